use super::*;

#[test]
fn names_are_1_to_64_bytes_without_control_characters() {
    for name in ["a", " ", "é", &"é".repeat(32), "\u{a0}"] {
        assert!(is_name(name), "{name:?}");
    }
    for name in ["", &("é".repeat(32) + "x"), "\0", "\x7f", "\u{9f}"] {
        assert!(!is_name(name), "{name:?}");
    }
}

#[test]
fn the_first_user_counts() {
    let cases = [("user=ann", "ann"), ("x=1&user=a%26b+c&user=", "a&b c"), ("us%65r=a;b", "a;b")];
    for (query, user) in cases {
        assert_eq!(user_of(query).as_deref(), Some(user), "{query}");
    }
}

#[test]
fn a_user_that_is_no_name_is_none() {
    for query in ["user=%ff", "user=%00", &format!("user={}", "x".repeat(65))] {
        assert_eq!(user_of(query), None, "{query}");
    }
}

#[test]
fn without_a_user_there_is_a_random_one() {
    for query in ["", "user", "user=", "user=&user=ann", "other=1"] {
        let user = user_of(query).unwrap();
        let id = Uuid::parse_str(&user).unwrap();
        assert_eq!((id.get_version_num(), id.to_string()), (4, user), "{query}");
    }
}
