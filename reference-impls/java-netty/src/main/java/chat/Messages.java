package chat;

import com.fasterxml.jackson.core.*;
import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.*;
import java.nio.charset.StandardCharsets;

/** What is said: names, requests as they come, messages as they go. */
final class Messages {
  static final String NAME_RULE = "1 to 64 bytes of UTF-8 without control characters";
  private static final int NAME_BYTES_MAX = 64;
  /** Jackson's own limit is less than the longest message. */
  private static final StreamReadConstraints LIMITS =
      StreamReadConstraints.builder().maxNameLength(Http.BYTES_MAX).build();

  private static final JsonMapper MAPPER =
      JsonMapper.builder(JsonFactory.builder().streamReadConstraints(LIMITS).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** What Java calls ISO controls are U+0000-U+001F and U+007F-U+009F. */
  static boolean isName(String name) {
    return name != null
        && !name.isEmpty()
        && name.getBytes(StandardCharsets.UTF_8).length <= NAME_BYTES_MAX
        && name.chars().noneMatch(Character::isISOControl);
  }

  /** Strict JSON. Throws {@link IOException} for anything else. */
  static JsonNode parse(String text) throws IOException {
    return MAPPER.readValue(text, JsonNode.class);
  }

  /**
   * A message with its fields, names and values in turn, and the time of now in milliseconds since
   * 1970. Throws {@link UncheckedIOException} for a text with a lone surrogate.
   */
  static byte[] encode(String type, String... fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = MAPPER.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("type", type);
      for (int i = 0; i < fields.length; i += 2) {
        json.writeStringField(fields[i], fields[i + 1]);
      }
      json.writeNumberField("timestamp", System.currentTimeMillis());
      json.writeEndObject();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return bytes.toByteArray();
  }
}
