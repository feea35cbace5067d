package chat;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import java.util.concurrent.TimeUnit;

/** As tuned, but what is written waits for others before it is sent; a close takes it along. */
final class Coalesced extends Tuned {
  private static final int DELAY_MS_MAX = 60_000;

  private final int delayMs = Settings.number("CHAT_WRITE_DELAY_MS", 20, DELAY_MS_MAX);

  @Override
  void prepare(ChannelPipeline pipeline) {
    pipeline.addLast(new LateFlush()); // Behind the encoder: a close is still a frame here.
  }

  private final class LateFlush extends ChannelDuplexHandler {
    private boolean isDue;
    private boolean isClosing;

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      isClosing |= message instanceof CloseWebSocketFrame;
      context.write(message, promise);
    }

    @Override
    public void flush(ChannelHandlerContext context) {
      if (isClosing) {
        context.flush();
      } else if (!isDue) {
        isDue = true;
        context.executor().schedule(() -> flushNow(context), delayMs, TimeUnit.MILLISECONDS);
      }
    }

    private void flushNow(ChannelHandlerContext context) {
      isDue = false;
      context.flush();
    }
  }
}
