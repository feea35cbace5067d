use std::{env, sync::OnceLock, time::Duration};

use mimalloc::MiMalloc;
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const WRITE_DELAY_MS_MAX: u64 = 60_000;

static WRITE_DELAY: OnceLock<Duration> = OnceLock::new();

/// One worker needs no scheduler for several: its tasks run in the order in which they were woken.
/// Fails if a setting is wrong.
pub fn tune(builder: &mut Builder, workers: usize) -> Result<(), String> {
    if workers == 1 {
        *builder = Builder::new_current_thread();
    }
    if env::var("CHAT_VARIANT").is_ok_and(|variant| variant == "coalesced") {
        let delay = crate::duration("CHAT_WRITE_DELAY_MS", 20, WRITE_DELAY_MS_MAX)?;
        WRITE_DELAY.get_or_init(|| delay);
    }
    Ok(())
}

/// For how long a message may wait for others: not at all but in the variant that is named for it.
pub fn write_delay() -> Duration {
    WRITE_DELAY.get().copied().unwrap_or_default()
}
