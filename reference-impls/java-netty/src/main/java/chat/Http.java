package chat;

import static io.netty.handler.codec.http.HttpHeaderNames.*;
import static io.netty.handler.codec.http.HttpResponseStatus.*;
import static java.nio.charset.StandardCharsets.*;

import io.netty.buffer.*;
import io.netty.channel.*;
import io.netty.handler.codec.http.*;
import io.netty.handler.codec.http.websocketx.*;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.Version;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.*;
import java.util.concurrent.TimeUnit;

/** Who is let in, and /health. */
final class Http extends SimpleChannelInboundHandler<Object> {
  /** The longest message. */
  static final int BYTES_MAX = 65_536;
  private static final WebSocketDecoderConfig FRAMES =
      WebSocketDecoderConfig.newBuilder()
          .maxFramePayloadLength(BYTES_MAX)
          .closeOnProtocolViolation(false) // Connection does, and reads on.
          .build();

  private static final String HEALTH =
      "{'status':'ok','implementation':'netty','version':'%1$s','pid':%2$d,'workers':[%2$d]}"
          .replace('\'', '"')
          .formatted(
              Version.identify().get("netty-codec-http").artifactVersion(),
              ProcessHandle.current().pid());

  private final Chat chat;
  private boolean isUpgraded;
  private boolean isEnding;
  /** Frames that came together with the upgrade request. */
  private ByteBuf early = Unpooled.EMPTY_BUFFER;

  Http(Chat chat) {
    this.chat = chat;
  }

  /** The end of a request says nothing here: what has a body is refused by its head. */
  @Override
  protected void channelRead0(ChannelHandlerContext context, Object part) {
    if (part instanceof ByteBuf bytes) { // The HTTP codec's, which left them as it was removed.
      early = Unpooled.wrappedBuffer(early, bytes.retain());
    } else if (part instanceof HttpRequest request && isUpgraded) {
      context.close(); // A frame that the HTTP codec took for another request.
    } else if (part instanceof HttpRequest request && !isEnding) {
      serve(context, request);
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    early.release();
    early = Unpooled.EMPTY_BUFFER;
  }

  private void serve(ChannelHandlerContext context, HttpRequest request) {
    String target = request.uri().replaceFirst("(?i)^[a-z][a-z0-9+.-]*://[^/?]*", "");
    String path = target.split("\\?", 2)[0];
    String user = user(target);
    if (!isSound(request)) {
      HttpUtil.setKeepAlive(request, false);
      answer(context, request, BAD_REQUEST);
    } else if (!path.equals("/ws")) {
      answer(context, request, path.equals("/health") ? OK : NOT_FOUND);
    } else if (!isUpgrade(request) || !Messages.isName(user)) {
      answer(context, request, isUpgrade(request) ? BAD_REQUEST : UPGRADE_REQUIRED);
    } else {
      upgrade(context, request, user);
    }
  }

  /** Nobody has a body to send here: one could hide another request (RFC 9112, 11.2). */
  private static boolean isSound(HttpRequest request) {
    return request.decoderResult().isSuccess()
        && !request.headers().contains(CONTENT_LENGTH)
        && !request.headers().contains(TRANSFER_ENCODING)
        && request.headers().getAll(HOST).size() == 1;
  }

  private static boolean isUpgrade(HttpRequest request) {
    HttpHeaders fields = request.headers();
    return request.method().equals(HttpMethod.GET)
        && fields.containsValue(CONNECTION, "upgrade", true)
        && fields.containsValue(UPGRADE, "websocket", true)
        && fields.getAll(SEC_WEBSOCKET_VERSION).equals(List.of("13"))
        && fields.getAll(SEC_WEBSOCKET_KEY).size() == 1
        && fields.get(SEC_WEBSOCKET_KEY).matches("[A-Za-z0-9+/]{22}=="); // 16 bytes.
  }

  /** The first {@code user} of the query, a random one if there is none, null if it is no text. */
  private static String user(String target) {
    try {
      QueryStringDecoder query = new QueryStringDecoder(target, ISO_8859_1);
      String bytes = query.parameters().getOrDefault("user", List.of("")).get(0);
      ByteBuffer raw = ByteBuffer.wrap(bytes.getBytes(ISO_8859_1));
      String user = UTF_8.newDecoder().decode(raw).toString();
      return user.isEmpty() ? UUID.randomUUID().toString() : user;
    } catch (CharacterCodingException | IllegalArgumentException error) {
      return null;
    }
  }

  /** Netty's handshake knows one protocol to upgrade to; no subprotocol is taken. */
  private void upgrade(ChannelHandlerContext context, HttpRequest request, String user) {
    isUpgraded = true;
    HttpHeaders fields = request.headers().copy();
    fields.set(UPGRADE, "websocket").set(CONNECTION, "upgrade").remove(SEC_WEBSOCKET_PROTOCOL);
    new WebSocketServerHandshaker13(request.uri(), null, FRAMES)
        .handshake(context.channel(), full(request, fields))
        .addListener(done -> enter(context, user, done.isSuccess()));
  }

  private static FullHttpRequest full(HttpRequest request, HttpHeaders fields) {
    return new DefaultFullHttpRequest(
        request.protocolVersion(),
        request.method(),
        request.uri(),
        Unpooled.EMPTY_BUFFER,
        fields,
        EmptyHttpHeaders.INSTANCE);
  }

  private void enter(ChannelHandlerContext context, String user, boolean isOpen) {
    if (!isOpen) {
      context.close();
      return;
    }
    ChannelPipeline pipeline = context.pipeline();
    // Only now: the HTTP codec leaves once the answer is written, before it reads any further.
    chat.variant.prepare(pipeline);
    pipeline
        .addLast(new IdleStateHandler(chat.settings.idleMs(), 0, 0, TimeUnit.MILLISECONDS))
        .addLast(new Utf8FrameValidator(false), new WebSocketFrameAggregator(BYTES_MAX))
        .addLast(new Connection(chat, user));
    ByteBuf frames = early.retain();
    pipeline.remove(this);
    pipeline.fireChannelRead(frames).fireChannelReadComplete();
  }

  private void answer(ChannelHandlerContext to, HttpRequest request, HttpResponseStatus status) {
    ByteBuf body = Unpooled.copiedBuffer(status == OK ? HEALTH : status.toString(), UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, body);
    response.headers().set(CONTENT_LENGTH, body.readableBytes());
    response.headers().set(CONTENT_TYPE, "application/json");
    HttpUtil.setKeepAlive(response, HttpUtil.isKeepAlive(request));
    isEnding = !HttpUtil.isKeepAlive(request);
    ChannelFuture sent = to.writeAndFlush(response);
    if (isEnding) {
      sent.addListener(ChannelFutureListener.CLOSE);
    }
  }
}
