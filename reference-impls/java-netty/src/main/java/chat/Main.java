package chat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.*;
import java.lang.invoke.MethodHandles;
import java.time.ZoneId;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/** A chat/1 server with Netty: a few event loops, a pipeline a connection. */
public final class Main {
  private static final WriteBufferWaterMark PENDING_BYTES =
      new WriteBufferWaterMark(1 << 19, 1 << 20);
  private static final int DRAIN_LOOKS = 250;
  private static final long LOOK_NS = 10_000_000;

  public static void main(String[] arguments) {
    try {
      openLateFiles();
      serve(new Chat(Settings.fromEnvironment()));
    } catch (IllegalArgumentException | IllegalAccessException error) {
      System.err.println(error.getMessage());
      System.exit(1);
    }
  }

  /**
   * What the JVM reads from files on first use is read now: where a class lacked a descriptor once,
   * each later use fails, too. A log's first line reads the time zone's rules, the first random
   * name opens the source of chance.
   */
  private static void openLateFiles() throws IllegalAccessException {
    for (Class<?> late : List.of(Http.class, Connection.class, Messages.class)) {
      MethodHandles.lookup().ensureInitialized(late);
    }
    ZoneId.systemDefault().getRules();
    UUID.randomUUID();
  }

  private static void serve(Chat chat) {
    Settings settings = chat.settings;
    ChannelInitializer<SocketChannel> connections =
        new ChannelInitializer<>() {
          @Override
          protected void initChannel(SocketChannel channel) {
            channel.pipeline().addLast(new HttpServerCodec(), new Http(chat));
          }
        };
    ChannelFuture bound =
        new ServerBootstrap()
            .group(new MultiThreadIoEventLoopGroup(settings.workers(), chat.variant.io()))
            .channel(chat.variant.listener())
            .option(ChannelOption.SO_BACKLOG, settings.backlog())
            .option(chat.variant.reusePort(), settings.reusesPort())
            .handler(new Acceptance())
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, PENDING_BYTES)
            // A write that fails ends the writing alone: what the client sent is still to be read.
            .childOption(ChannelOption.AUTO_CLOSE, false)
            .childHandler(connections)
            .bind(settings.host(), settings.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      System.err.printf(
          "can't listen on %s:%d: %s%n",
          settings.host(), settings.port(), bound.cause().getMessage());
      System.exit(1);
    }
    // SIGTERM and SIGINT begin the JVM's shutdown: the event loops run until its hooks are done.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(chat, bound.channel())));
  }

  private static void stop(Chat chat, Channel listener) {
    listener.close().awaitUninterruptibly();
    chat.connections.forEach(connection -> connection.close(1012, "Server is going away"));
    for (int look = 0; look < DRAIN_LOOKS && !chat.connections.isEmpty(); look++) {
      LockSupport.parkNanos(LOOK_NS);
    }
    // A JVM that ends by a signal says so in its exit code; this is an ordinary end.
    Runtime.getRuntime().halt(0);
  }
}
