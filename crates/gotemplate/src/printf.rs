//! Go's `print`, `println` and `printf`.
//!
//! Must never allocate more than a width of a million asks for, Go's own bound.

use crate::quote::{quote, quote_char};
use crate::show::{exponent, float, plain};
use crate::value::{Val, type_name};
use serde_json::Value;

/// `fmt.Sprint`: a space between two values when neither is text.
pub(crate) fn sprint(values: &[Val<'_>]) -> String {
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        let texts = value.is_string() || i.checked_sub(1).and_then(|i| values.get(i)).is_some_and(|v| v.is_string());
        if i > 0 && !texts {
            out.push(' ');
        }
        out.push_str(&plain(value));
    }
    out
}

/// `fmt.Sprintln`: a space between all values, and a line end.
pub(crate) fn sprintln(values: &[Val<'_>]) -> String {
    let texts: Vec<String> = values.iter().map(|value| plain(value)).collect();
    texts.join(" ") + "\n"
}

/// `fmt.Sprintf`.
pub(crate) fn sprintf(format: &str, values: &[Val<'_>]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| "-+# 0".contains(*c)) {
            spec.flag(flag);
        }
        spec.width = count(&mut chars, &mut values, &mut out, "%!(BADWIDTH)");
        if let Some(width) = spec.width.filter(|width| *width < 0) {
            (spec.left, spec.zero, spec.width) = (true, false, Some(-width));
        }
        if chars.next_if_eq(&'.').is_some() {
            let precision = count(&mut chars, &mut values, &mut out, "%!(BADPREC)").unwrap_or(0);
            spec.precision = usize::try_from(precision).ok();
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.next() {
                Some(value) => out.push_str(&spec.verb(verb, value)),
                None => out.push_str(&format!("%!{verb}(MISSING)")),
            },
        }
        if out.len() > LIMIT {
            return out;
        }
    }
    let rest: Vec<String> = values.map(|value| extra(value)).collect();
    if !rest.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", rest.join(", ")));
    }
    out
}

/// Stop writing when a text grows beyond this; the caller refuses such values.
const LIMIT: usize = 32 << 20;
/// Go's bound on widths.
const WIDEST: i64 = 1_000_000;

fn extra(value: &Value) -> String {
    if value.is_null() { "<nil>".to_owned() } else { format!("{}={}", type_name(value), plain(value)) }
}

/// A width or precision: digits, or `*` for the next argument.
fn count<'v, 'a: 'v>(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    values: &mut impl Iterator<Item = &'v Val<'a>>,
    out: &mut String,
    bad: &str,
) -> Option<i64> {
    if chars.next_if_eq(&'*').is_some() {
        let number = values.next().and_then(|value| value.as_i64()).filter(|n| n.abs() <= WIDEST);
        if number.is_none() {
            out.push_str(bad);
        }
        return number;
    }
    let mut number = None;
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        let digit = digit.to_digit(10).map_or(0, i64::from);
        number = Some((number.unwrap_or(0) * 10 + digit).min(WIDEST));
    }
    number
}

#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<i64>,
    precision: Option<usize>,
}

impl Spec {
    fn flag(&mut self, flag: char) {
        match flag {
            '-' => self.left = true,
            '+' => self.plus = true,
            '#' => self.sharp = true,
            ' ' => self.space = true,
            _ => self.zero = true,
        }
    }

    fn verb(&self, verb: char, value: &Value) -> String {
        match (verb, value) {
            ('T', value) => self.pad(type_name(value), false),
            ('v', Value::Number(_)) => self.number(if value.is_f64() { 'g' } else { 'd' }, value),
            ('v', Value::String(text)) if self.sharp => self.pad(&quote(text), false),
            ('v', value) => self.pad(&plain(value), false),
            ('t', Value::Bool(value)) => self.pad(if *value { "true" } else { "false" }, false),
            ('s' | 'q' | 'x' | 'X', Value::String(text)) => self.text(verb, text),
            (_, Value::Array(list)) => {
                let items: Vec<String> = list.iter().map(|item| self.verb(verb, item)).collect();
                format!("[{}]", items.join(" "))
            }
            (_, Value::Object(map)) => {
                let pair = |(key, value): (&String, &Value)| {
                    format!("{}:{}", self.verb(verb, &Value::from(key.as_str())), self.verb(verb, value))
                };
                let pairs: Vec<String> = crate::show::sorted(map).into_iter().map(pair).collect();
                format!("map[{}]", pairs.join(" "))
            }
            (verb, Value::Number(_)) if "bcdoOqxXUeEfFgG".contains(verb) => self.number(verb, value),
            (verb, Value::Null) => format!("%!{verb}(<nil>)"),
            (verb, value) => format!("%!{verb}({}={})", type_name(value), plain(value)),
        }
    }

    fn text(&self, verb: char, text: &str) -> String {
        let text: String = match self.precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.to_owned(),
        };
        match verb {
            'q' => self.pad(&quote(&text), false),
            'x' => self.pad(&text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>(), false),
            'X' => self.pad(&text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>(), false),
            _ => self.pad(&text, false),
        }
    }

    fn number(&self, verb: char, value: &Value) -> String {
        let integer = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
        match (integer, value.as_f64()) {
            (Some(number), _) => self.integer(verb, number),
            (None, Some(number)) => self.float(verb, number),
            (None, None) => plain(value),
        }
    }

    fn integer(&self, verb: char, number: i128) -> String {
        let size = number.unsigned_abs();
        let character = || u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        let (prefix, mut digits) = match verb {
            'd' => ("", size.to_string()),
            'b' => (if self.sharp { "0b" } else { "" }, format!("{size:b}")),
            'o' => (if self.sharp { "0" } else { "" }, format!("{size:o}")),
            'O' => ("0o", format!("{size:o}")),
            'x' => (if self.sharp { "0x" } else { "" }, format!("{size:x}")),
            'X' => (if self.sharp { "0X" } else { "" }, format!("{size:X}")),
            'c' => return self.pad(&character().to_string(), false),
            'q' => return self.pad(&quote_char(character()), false),
            'U' => return self.pad(&format!("U+{size:04X}"), false),
            verb => return format!("%!{verb}(int={number})"),
        };
        if let Some(least) = self.precision.filter(|least| *least > digits.len()) {
            digits.insert_str(0, &"0".repeat(least - digits.len()));
        }
        self.pad(&format!("{}{prefix}{digits}", self.sign(number < 0)), self.precision.is_none())
    }

    fn float(&self, verb: char, number: f64) -> String {
        let size = number.abs();
        let text = match (verb, self.precision) {
            ('f' | 'F', precision) => format!("{size:.*}", precision.unwrap_or(6)),
            ('e', precision) => exponent(&format!("{size:.*e}", precision.unwrap_or(6))),
            ('E', precision) => exponent(&format!("{size:.*e}", precision.unwrap_or(6))).to_uppercase(),
            ('g' | 'G', _) => float(size),
            (verb, _) => return format!("%!{verb}(float64={})", float(number)),
        };
        self.pad(&format!("{}{text}", self.sign(number.is_sign_negative())), true)
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        }
    }

    /// Fills up to the width; with zeros after the sign where that is allowed.
    fn pad(&self, text: &str, zeros: bool) -> String {
        let width = self.width.and_then(|width| usize::try_from(width).ok()).unwrap_or(0);
        let missing = width.saturating_sub(text.chars().count());
        match (self.left, self.zero && zeros) {
            (true, _) => format!("{text}{}", " ".repeat(missing)),
            (false, true) => {
                let digits = text.trim_start_matches(['+', '-', ' ']);
                let sign = &text[..text.len() - digits.len()];
                format!("{sign}{}{digits}", "0".repeat(missing))
            }
            (false, false) => format!("{}{text}", " ".repeat(missing)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::borrow::Cow;

    fn print(format: &str, values: Value) -> String {
        let values: Vec<Val<'_>> = values.as_array().unwrap().iter().map(Cow::Borrowed).collect();
        sprintf(format, &values)
    }

    #[test]
    fn verbs_work_as_in_go() {
        for (format, values, expected) in [
            ("%s-%d-%v-%t", json!(["a", 1, [1], true]), "a-1-[1]-true"),
            ("%q %x %X", json!(["a\"b", "hi", "hi"]), "\"a\\\"b\" 6869 6869"),
            ("%5s|%-5s|%.2s|", json!(["ab", "ab", "abc"]), "   ab|ab   |ab|"),
            (
                "%05d|%+d|% d|%x|%#x|%o|%b|%c|%U",
                json!([42, 1, 1, 255, 255, 8, 5, 65, 65]),
                "00042|+1| 1|ff|0xff|10|101|A|U+0041",
            ),
            ("%05d|%.3d", json!([-42, 7]), "-0042|007"),
            ("%f|%.1f|%e|%g|%6.2f", json!([1.5, 1.25, 1500.5, 1e21, 1.5]), "1.500000|1.2|1.500500e+03|1e+21|  1.50"),
            ("%*d|%-*d|", json!([4, 1, 3, 2]), "   1|2  |"),
            ("%d%%", json!([5]), "5%"),
            ("%d", json!(["x"]), "%!d(string=x)"),
            ("%s %s", json!(["x"]), "x %!s(MISSING)"),
            ("%s", json!(["x", 1]), "x%!(EXTRA int=1)"),
            ("%", json!([]), "%!(NOVERB)"),
            ("%z", json!([1]), "%!z(int=1)"),
            ("%s", json!([null]), "%!s(<nil>)"),
            ("%T %T", json!([1, "a"]), "int string"),
            ("%s", json!([["a", "b"]]), "[a b]"),
            ("%d", json!([{"a": 1}]), "map[%!d(string=a):1]"),
        ] {
            assert_eq!(print(format, values), expected, "{format}");
        }
    }

    #[test]
    fn print_separates_values_that_are_no_text() {
        let values = json!([1, 2, "a", "b", 3]);
        let values: Vec<Val<'_>> = values.as_array().unwrap().iter().map(Cow::Borrowed).collect();
        assert_eq!(sprint(&values), "1 2ab3");
        assert_eq!(sprintln(&values), "1 2 a b 3\n");
    }
}
