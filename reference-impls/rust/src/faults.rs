//! What a defect in a handler would do. A kit asks for it and measures what follows.

use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{env, hint};

use serde_json::Value;

static ASKED: LazyLock<bool> =
    LazyLock::new(|| env::var("CHAT_FAULTS").is_ok_and(|asked| asked == "1"));

/// Panics, or does not come to an end for so many milliseconds, if `CHAT_FAULTS` is 1.
pub fn commit(kind: &str, ms: &Value) {
    match kind {
        "__crash" if *ASKED => panic!("__crash was asked for"),
        "__spin" if *ASKED => {
            let end = Instant::now() + Duration::from_millis(ms.as_u64().unwrap_or_default());
            while Instant::now() < end {
                hint::spin_loop();
            }
        }
        _ => {}
    }
}
