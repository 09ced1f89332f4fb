//! The order in which Docker lists names: runs of digits by their number.

use std::cmp::Ordering;

/// Compares `net2` before `net10`.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let (Some(c), Some(d)) = (x.chars().next(), y.chars().next()) else {
            return x.len().cmp(&y.len()).then_with(|| a.cmp(b));
        };
        let (digits, others) = (run(x), run(y));
        let order = match (digits.is_empty(), others.is_empty()) {
            (false, false) => number(digits).cmp(&number(others)),
            _ => c.cmp(&d),
        };
        if order.is_ne() {
            return order;
        }
        x = &x[digits.len().max(c.len_utf8())..];
        y = &y[others.len().max(d.len_utf8())..];
    }
}

fn run(text: &str) -> &str {
    &text[..text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len()]
}

/// A run of digits in an order that is that of its number, however long.
fn number(digits: &str) -> (usize, &str) {
    let digits = digits.trim_start_matches('0');
    (digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = ["n10", "n2", "n1", "b", "n02", "a1b10", "a1b9", "n", ""];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["", "a1b9", "a1b10", "b", "n", "n1", "n02", "n2", "n10"]);
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(a in "[a-c0-2é]{0,6}", b in "[a-c0-2é]{0,6}", c in "[a-c0-2é]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b).is_eq(), a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
