package chat;

import io.netty.util.ReferenceCounted;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;

/** Who is connected, under which name, and in which rooms, whichever event loop serves them. */
final class Chat {
  /** Connections by a name; a name that nobody has takes no memory. */
  final class Index {
    private final ConcurrentHashMap<String, Set<Connection>> names = new ConcurrentHashMap<>();

    /** Its map's lock keeps members, and what they are told, in one order. */
    void add(String name, Connection connection, byte[] message) {
      names.compute(
          name,
          (key, known) -> {
            Set<Connection> members = known == null ? new LinkedHashSet<>() : known;
            members.add(connection);
            tell(members, message);
            return members;
          });
    }

    /** Those left are told, unless there is no message. */
    void remove(String name, Connection connection, byte[] message) {
      names.computeIfPresent(
          name,
          (key, members) -> {
            members.remove(connection);
            return members.isEmpty() ? null : tell(members, message);
          });
    }

    /** Whether anybody has the name. */
    boolean tell(String name, byte[] message) {
      return names.computeIfPresent(name, (key, members) -> tell(members, message)) != null;
    }

    /** Whoever can't be written to ends later: nobody leaves while the map is locked. */
    private Set<Connection> tell(Set<Connection> members, byte[] message) {
      if (message != null) {
        ReferenceCounted frame = variant.frame(message);
        members.forEach(member -> member.send(Variant.duplicate(frame)));
        frame.release();
      }
      return members;
    }
  }

  final Settings settings;
  final Variant variant;
  final Index users = new Index();
  final Index rooms = new Index();
  /** Until their TCP connection has ended. */
  final Set<Connection> connections = ConcurrentHashMap.newKeySet();

  Chat(Settings settings) {
    this.settings = settings;
    variant = Variant.of(settings.variant());
  }
}
