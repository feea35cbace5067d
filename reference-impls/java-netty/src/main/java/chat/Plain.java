package chat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.util.ReferenceCounted;
import java.net.StandardSocketOptions;

/** As Netty's examples have it: Java's own sockets, and each frame made and flushed by itself. */
final class Plain extends Variant {
  @Override
  IoHandlerFactory io() {
    return NioIoHandler.newFactory();
  }

  @Override
  Class<? extends ServerChannel> listener() {
    return NioServerSocketChannel.class;
  }

  @Override
  ChannelOption<Boolean> reusePort() {
    return NioChannelOption.of(StandardSocketOptions.SO_REUSEPORT);
  }

  @Override
  void prepare(ChannelPipeline pipeline) {}

  @Override
  ReferenceCounted frame(byte[] message) {
    return new TextWebSocketFrame(Unpooled.wrappedBuffer(message));
  }
}
