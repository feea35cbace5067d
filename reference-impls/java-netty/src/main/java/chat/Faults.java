package chat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/** What a defect in a handler would do. A kit asks for it and measures what follows. */
final class Faults {
  private static final boolean ASKED = "1".equals(System.getenv("CHAT_FAULTS"));

  /** What a new build is told from the old one by. */
  private static final String BUILD = System.getenv().getOrDefault("CHAT_BUILD", "1");

  private Faults() {}

  /**
   * Throws, or does not come to an end for so many milliseconds, if {@code CHAT_FAULTS} is 1. Who
   * asks for the build is to be answered its name.
   */
  static Optional<String> commit(String type, JsonNode request) {
    if (ASKED && type.equals("__build")) {
      return Optional.of(BUILD);
    }
    if (ASKED && type.equals("__crash")) {
      throw new IllegalStateException("__crash was asked for");
    }
    if (ASKED && type.equals("__spin")) {
      long end = System.nanoTime() + request.path("ms").asLong() * 1_000_000;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    }
    return Optional.empty();
  }
}
