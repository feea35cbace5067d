package chat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.UnixChannelOption;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.util.ReferenceCounted;

/** The native transport, one flush for the writes of a turn, and a broadcast framed once. */
class Tuned extends Variant {
  private static final int TEXT = 0x81;
  private static final int LENGTH_16 = 126;
  private static final int LENGTH_64 = 127;

  @Override
  IoHandlerFactory io() {
    return EpollIoHandler.newFactory();
  }

  @Override
  Class<? extends ServerChannel> listener() {
    return EpollServerSocketChannel.class;
  }

  @Override
  ChannelOption<Boolean> reusePort() {
    return UnixChannelOption.SO_REUSEPORT;
  }

  @Override
  void prepare(ChannelPipeline pipeline) {
    pipeline.addFirst(
        new FlushConsolidationHandler(
            FlushConsolidationHandler.DEFAULT_EXPLICIT_FLUSH_AFTER_FLUSHES, true));
  }

  /** The frame's bytes (RFC 6455, 5.2): Netty's encoder would make a header for each member. */
  @Override
  ReferenceCounted frame(byte[] message) {
    ByteBuf frame = Unpooled.directBuffer(message.length + 10);
    frame.writeByte(TEXT);
    if (message.length < LENGTH_16) {
      frame.writeByte(message.length);
    } else if (message.length <= 0xffff) {
      frame.writeByte(LENGTH_16).writeShort(message.length);
    } else {
      frame.writeByte(LENGTH_64).writeLong(message.length);
    }
    return frame.writeBytes(message);
  }
}
