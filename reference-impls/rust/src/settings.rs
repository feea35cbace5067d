use std::{num::NonZeroU32, time::Duration};

/// What the environment says about how to serve.
#[derive(Debug)]
pub struct Settings {
    pub host: String,
    pub port: u16,
    /// Without it, as many threads as there are processors that the process may use.
    pub workers: Option<usize>,
    pub ping_interval: Duration,
    pub idle_timeout: Duration,
}

impl Settings {
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name| match variable(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match text.parse::<NonZeroU32>() {
                Ok(number) => Ok(Some(number.get())),
                Err(_) => Err(format!("{name} is {text:?}: give a whole number above 0")),
            },
        };
        let port = number("CHAT_PORT")?.unwrap_or(4000);
        let milliseconds = |number: u32| Duration::from_millis(number.into());
        Ok(Self {
            host: variable("CHAT_HOST").unwrap_or_else(|| "127.0.0.1".into()),
            port: port.try_into().map_err(|_| format!("CHAT_PORT is {port}: give one to 65535"))?,
            workers: number("CHAT_WORKERS")?.map(|workers| workers as usize),
            ping_interval: milliseconds(number("CHAT_PING_INTERVAL_MS")?.unwrap_or(30_000)),
            idle_timeout: milliseconds(number("CHAT_IDLE_TIMEOUT_MS")?.unwrap_or(60_000)),
        })
    }
}

#[cfg(test)]
mod tests;
