use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
    Settings::read(|wanted| {
        variables.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.to_string())
    })
}

#[test]
fn settings_have_defaults() {
    let settings = read(&[("CHAT_PORT", "")]).unwrap();
    assert_eq!((settings.host.as_str(), settings.port), ("127.0.0.1", 4000));
    assert_eq!(settings.workers, None);
    assert_eq!(settings.ping_interval, Duration::from_secs(30));
    assert_eq!(settings.idle_timeout, Duration::from_secs(60));
}

#[test]
fn settings_come_from_the_environment() {
    let settings = read(&[("CHAT_WORKERS", "3"), ("CHAT_IDLE_TIMEOUT_MS", "50")]).unwrap();
    assert_eq!(settings.workers, Some(3));
    assert_eq!(settings.idle_timeout, Duration::from_millis(50));
}

#[test]
fn bad_settings_are_named() {
    for text in ["x", "0", "-1", "1.5", "65536"] {
        let reason = read(&[("CHAT_PORT", text)]).unwrap_err();
        assert!(reason.contains("CHAT_PORT"), "{text}: {reason}");
    }
}
