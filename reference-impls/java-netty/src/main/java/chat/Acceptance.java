package chat;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Waits with the next connection where one can't be accepted: descriptors have run out. */
final class Acceptance extends ChannelInboundHandlerAdapter {
  /** Netty waits 1 s: with a few descriptors left, a crowd of hundreds would take minutes. */
  private static final long PAUSE_MS = 100;

  private static final long REPORT_EACH_NS = TimeUnit.MINUTES.toNanos(1);

  private long reported = System.nanoTime() - REPORT_EACH_NS;

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
    if (!(error instanceof IOException)) {
      context.fireExceptionCaught(error);
      return;
    }
    report(error);
    context.channel().config().setAutoRead(false);
    Runnable resume = () -> context.channel().config().setAutoRead(true);
    context.executor().schedule(resume, PAUSE_MS, TimeUnit.MILLISECONDS);
  }

  private void report(Throwable error) {
    long now = System.nanoTime();
    if (now - reported >= REPORT_EACH_NS) {
      reported = now;
      System.err.println("can't accept a connection: " + error.getMessage());
    }
  }
}
