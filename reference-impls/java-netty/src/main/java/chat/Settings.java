package chat;

/** Settings, from the environment. {@code workers} is 0 where the choice is Netty's. */
record Settings(
    String host,
    int port,
    int workers,
    String variant,
    int pingMs,
    int idleMs,
    int backlog,
    boolean reusesPort) {

  /** Throws {@link IllegalArgumentException} with a line for people. */
  static Settings fromEnvironment() {
    return new Settings(
        text("CHAT_HOST", "127.0.0.1"),
        number("CHAT_PORT", 4_000, 65_535),
        number("CHAT_WORKERS", 0, 1_024),
        text("CHAT_VARIANT", "default"),
        number("CHAT_PING_INTERVAL_MS", 30_000, Integer.MAX_VALUE),
        number("CHAT_IDLE_TIMEOUT_MS", 60_000, Integer.MAX_VALUE),
        number("CHAT_BACKLOG", 4_096, 65_535),
        text("CHAT_REUSE_PORT", "").equals("1"));
  }

  private static String text(String name, String fallback) {
    String text = System.getenv().getOrDefault(name, "");
    return text.isEmpty() ? fallback : text;
  }

  static int number(String name, int fallback, int most) {
    String text = text(name, Integer.toString(fallback));
    long number = text.matches("[0-9]{1,10}") ? Long.parseLong(text) : -1;
    if (number != fallback && (number < 1 || number > most)) {
      throw new IllegalArgumentException(
          name + " is \"" + text + "\": give a whole number from 1 to " + most);
    }
    return (int) number;
  }
}
