package chat;

import io.netty.buffer.*;
import io.netty.channel.*;
import io.netty.util.ReferenceCounted;

/** How the bytes travel. */
abstract class Variant {
  static Variant of(String name) {
    return switch (name) {
      case "default" -> new Plain();
      case "tuned" -> new Tuned();
      case "coalesced" -> new Coalesced();
      default -> throw new IllegalArgumentException("CHAT_VARIANT is unknown: \"" + name + '"');
    };
  }

  abstract IoHandlerFactory io();

  abstract Class<? extends ServerChannel> listener();

  /** That another process may listen on the port as well. */
  abstract ChannelOption<Boolean> reusePort();

  /** Adds what stands before everything else of a connection. */
  abstract void prepare(ChannelPipeline pipeline);

  /** What carries a message to one connection, or to many by {@link #duplicate}. */
  abstract ReferenceCounted frame(byte[] message);

  /** The same bytes once more, with indices of their own, as Netty's ChannelGroup does it. */
  static Object duplicate(ReferenceCounted frame) {
    return frame instanceof ByteBufHolder holder
        ? holder.retainedDuplicate()
        : ((ByteBuf) frame).retainedDuplicate();
  }
}
