package chat;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.Unpooled;
import io.netty.channel.*;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.websocketx.*;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.*;
import java.util.*;
import java.util.concurrent.TimeUnit;

/** One client, from its upgrade to its end. It runs in its channel's event loop alone. */
final class Connection extends SimpleChannelInboundHandler<WebSocketFrame> {
  private static final int ROOMS_MAX = 64;
  private static final long CUT_OFF_MS = 2_000;
  private static final long SECOND_LOOK_MS = 50;
  private static final Set<String> REQUESTS = Set.of("join", "leave", "message", "direct");

  private final Chat chat;
  private final String user;
  private final Set<String> rooms = new HashSet<>();
  private ChannelHandlerContext context;
  private Future<?> pings;
  private boolean hasEnded;
  private long reads;

  Connection(Chat chat, String user) {
    this.chat = chat;
    this.user = user;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
    int ms = chat.settings.pingMs();
    Runnable ping = () -> context.writeAndFlush(new PingWebSocketFrame());
    pings = context.executor().scheduleAtFixedRate(ping, ms, ms, TimeUnit.MILLISECONDS);
    chat.connections.add(this);
    answer("welcome", "user", user);
    chat.users.add(user, this, null);
  }

  /** Sends a frame and releases it, from any thread. */
  void send(Object frame) {
    if (!context.executor().inEventLoop()) {
      context.executor().execute(() -> send(frame));
    } else if (hasEnded || !context.channel().isWritable()) { // A slow consumer is about to end.
      ReferenceCountUtil.release(frame);
    } else {
      context.writeAndFlush(frame);
    }
  }

  private void answer(String type, String... fields) {
    send(chat.variant.frame(Messages.encode(type, fields)));
  }

  /** Nothing that still comes is served, and it is in no room any more. From any thread. */
  void close(int code, String reason) {
    context.executor().execute(() -> closeNow(code, reason));
  }

  private void closeNow(int code, String reason) {
    if (!hasEnded) {
      end();
      context.writeAndFlush(new CloseWebSocketFrame(code, reason));
      context.executor().schedule(() -> context.close(), CUT_OFF_MS, TimeUnit.MILLISECONDS);
    }
  }

  private void end() {
    if (!hasEnded) {
      hasEnded = true;
      pings.cancel(false);
      chat.users.remove(user, this, null);
      List.copyOf(rooms).forEach(this::leave);
    }
  }

  /** Never amid a write, also one that fails: Netty has a task of its own for a channel's end. */
  @Override
  public void channelInactive(ChannelHandlerContext inactive) {
    end();
    chat.connections.remove(this);
  }

  /** Who does not read is not read either: what it sends is not served any more. */
  @Override
  public void channelWritabilityChanged(ChannelHandlerContext changed) {
    boolean isWritable = context.channel().isWritable();
    context.channel().config().setAutoRead(isWritable);
    if (!isWritable) {
      close(1013, "Slow consumer");
    }
  }

  /**
   * After the process stood still, timers may run before what came meanwhile is read (epoll): so
   * nobody is judged until the event loop has looked at its sockets once more.
   */
  @Override
  public void userEventTriggered(ChannelHandlerContext triggered, Object event) {
    if (event instanceof IdleStateEvent) {
      long readsBefore = reads;
      Runnable judge =
          () -> {
            if (reads == readsBefore) {
              closeNow(1001, "Heartbeat timeout");
            }
          };
      context.executor().schedule(judge, SECOND_LOOK_MS, TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext caught, Throwable error) {
    if (error instanceof TooLongFrameException) {
      closeNow(1009, "Message too big");
    } else if (error instanceof CorruptedWebSocketFrameException fault) {
      fail(fault);
    } else if (error instanceof IOException) {
      end(); // Of the TCP connection, which Netty closes.
    } else { // A defect: nobody else would close, and it would go on connected and deaf.
      System.err.println("a handler threw: " + error);
      closeNow(1011, "Internal error");
    }
  }

  /**
   * The close, then the end of this direction alone, and what still comes is read and dropped:
   * where bytes are left unread the kernel resets, and what was sent before may be lost with that.
   */
  private void fail(CorruptedWebSocketFrameException fault) {
    closeNow(fault.closeStatus().code(), fault.getMessage());
    DuplexChannel channel = (DuplexChannel) context.channel();
    context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(done -> channel.shutdownOutput());
  }

  @Override
  protected void channelRead0(ChannelHandlerContext read, WebSocketFrame frame) {
    reads++;
    if (frame instanceof CloseWebSocketFrame close && !hasEnded) {
      end();
      context.writeAndFlush(close.retain()).addListener(ChannelFutureListener.CLOSE);
    } else if (frame instanceof CloseWebSocketFrame) {
      context.close(); // The answer to a close.
    } else if (frame instanceof PingWebSocketFrame ping && !hasEnded) {
      context.writeAndFlush(new PongWebSocketFrame(ping.content().retain()));
    } else if (frame instanceof TextWebSocketFrame text && !hasEnded) {
      serve(text.text());
    } else if (frame instanceof BinaryWebSocketFrame) {
      closeNow(1003, "Malformed message");
    }
  }

  private void serve(String text) {
    try {
      JsonNode request = Messages.parse(text);
      String type = request.path("type").textValue();
      String name = request.path("direct".equals(type) ? "to" : "room").textValue();
      String content = request.path("content").textValue();
      if (type == null) {
        refuse("bad_request", "a request is an object with a type");
      } else if (type.equals("heartbeat")) {
        answer("heartbeat");
      } else if (!REQUESTS.contains(type)) {
        Faults.commit(type, request).ifPresent(build -> answer(type, "build", build));
      } else if (!Messages.isName(name) || (content == null && type.matches("message|direct"))) {
        refuse("bad_request", "content is a string; room and to are " + Messages.NAME_RULE);
      } else {
        serve(type, name, content);
      }
    } catch (IOException | UncheckedIOException error) {
      closeNow(1003, "Malformed message");
    }
  }

  private void serve(String type, String name, String content) {
    if (type.equals("join")) {
      join(name);
    } else if (type.equals("direct")) {
      if (!chat.users.tell(name, Messages.encode(type, "user", user, "content", content))) {
        refuse("no_such_user", "nobody by that name is connected");
      }
    } else if (!rooms.contains(name)) {
      refuse("not_joined", "join the room first");
    } else if (type.equals("leave")) {
      leave(name);
    } else {
      chat.rooms.tell(
          name, Messages.encode(type, "room", name, "user", user, "content", content));
    }
  }

  private void join(String room) {
    byte[] message = Messages.encode("user_joined", "room", room, "user", user);
    if (rooms.contains(room)) {
      send(chat.variant.frame(message));
    } else if (rooms.size() >= ROOMS_MAX) {
      refuse("too_many_rooms", "a connection can be in " + ROOMS_MAX + " rooms");
    } else {
      rooms.add(room);
      chat.rooms.add(room, this, message);
    }
  }

  private void leave(String room) {
    rooms.remove(room);
    chat.rooms.remove(room, this, Messages.encode("user_left", "room", room, "user", user));
  }

  private void refuse(String code, String message) {
    answer("error", "code", code, "message", message);
  }
}
