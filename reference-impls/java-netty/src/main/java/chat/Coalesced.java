package chat;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import java.util.concurrent.TimeUnit;

/** As tuned, but what is written waits for others before it is sent. */
final class Coalesced extends Tuned {
  private static final int DELAY_MS_MAX = 60_000;

  private final int delayMs = Settings.number("CHAT_WRITE_DELAY_MS", 20, DELAY_MS_MAX);

  @Override
  void prepare(ChannelPipeline pipeline) {
    pipeline.addFirst(new LateFlush());
  }

  private final class LateFlush extends ChannelDuplexHandler {
    private boolean isDue;

    @Override
    public void flush(ChannelHandlerContext context) {
      if (!isDue) {
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
