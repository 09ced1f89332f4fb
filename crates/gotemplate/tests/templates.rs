//! Templates as users of `docker … --format` write them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use pontoon_gotemplate::{Missing, Settings, Template};
use serde_json::{Value, json};

fn network() -> Value {
    json!({
        "Name": "net", "Id": "0123456789abcdef", "Internal": false, "EnableIPv6": true,
        "IPAM": {"Driver": "default", "Options": null, "Config": [
            {"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"}, {"Subnet": "fd00::/64"}]},
        "Containers": {
            "bbb": {"Name": "web", "IPv4Address": "172.20.0.3/16"},
            "aaa": {"Name": "db", "IPv4Address": "172.20.0.2/16"}},
        "Labels": {"com.example.x": "y", "k": "v"}, "Options": {}, "Peers": [], "N": 3, "F": 1.5,
    })
}

fn run(template: &str) -> Result<String, String> {
    let template = Template::parse(template).map_err(|error| error.to_string())?;
    template.execute(&network(), Settings::default()).map_err(|error| error.to_string())
}

#[test]
fn templates_give_what_go_gives() {
    for (template, expected) in [
        ("", ""),
        ("plain } text {", "plain } text {"),
        ("{{.Name}}", "net"),
        ("{{ .IPAM.Driver }}", "default"),
        ("{{(index .IPAM.Config 0).Subnet}}", "172.20.0.0/16"),
        ("{{range .IPAM.Config}}{{.Subnet}} {{end}}", "172.20.0.0/16 fd00::/64 "),
        ("{{range $c := .Containers}}{{$c.Name}} {{$c.IPv4Address}};{{end}}", "db 172.20.0.2/16;web 172.20.0.3/16;"),
        ("{{range $i, $c := .Containers}}{{$i}}={{$c.Name}} {{end}}", "aaa=db bbb=web "),
        ("{{range $i, $c := .IPAM.Config}}{{$i}}{{.Subnet}}|{{end}}", "0172.20.0.0/16|1fd00::/64|"),
        ("{{range .Peers}}x{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range $k, $v := .Labels}}{{if eq $k \"k\"}}{{continue}}{{end}}{{$k}}{{break}}{{end}}", "com.example.x"),
        ("{{index .Labels \"com.example.x\"}}", "y"),
        ("{{index .Labels \"missing\"}}", ""),
        ("{{.Labels.missing}}", "<no value>"),
        ("{{index .Options \"missing\"}}", ""),
        ("{{.IPAM.Options}}", "<no value>"),
        ("{{.Labels}}", "map[com.example.x:y k:v]"),
        ("{{.Peers}} {{.N}} {{.F}} {{.Internal}}", "[] 3 1.5 false"),
        ("{{json .IPAM.Config}}", r#"[{"Subnet":"172.20.0.0/16","Gateway":"172.20.0.1"},{"Subnet":"fd00::/64"}]"#),
        ("{{json .Name}}{{json .IPAM.Options}}", "\"net\"null"),
        ("{{.Name | upper | printf \"%s-%s\" \"a\"}}", "a-NET"),
        ("{{printf \"%-6s|%03d\" .Name .N}}", "net   |003"),
        ("{{if .Internal}}a{{else if .EnableIPv6}}b{{else}}c{{end}}", "b"),
        ("{{if and .EnableIPv6 (not .Internal)}}y{{end}}", "y"),
        ("{{if or .Internal false}}y{{else}}n{{end}}", "n"),
        ("{{and 1 0 .Nope}}", "0"),
        ("{{or 0 \"\" \"x\" .Nope}}", "x"),
        ("{{with .IPAM}}{{.Driver}}{{$.Name}}{{end}}", "defaultnet"),
        ("{{with .IPAM.Options}}x{{else}}y{{end}}", "y"),
        ("{{with .IPAM.Options}}x{{else with .Name}}{{.}}{{end}}", "net"),
        ("{{with $x := 5}}{{$x}}{{end}}", "5"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
        ("{{len .Containers}} {{len .Name}} {{len .Peers}}", "2 3 0"),
        ("{{slice .Id 0 12}} {{slice .Id 14}} {{slice .IPAM.Config 1}}", "0123456789ab ef [map[Subnet:fd00::/64]]"),
        ("{{truncate .Id 4}}|{{pad .Name 1 2}}|{{title \"ab cd\"}}|{{lower \"AB\"}}", "0123| net  |Ab Cd|ab"),
        ("{{join (split \"a,b,c\" \",\") \"-\"}}", "a-b-c"),
        (
            "{{eq .N 3}} {{eq .Name \"x\" \"net\"}} {{ne .N 2}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1 2}}",
            "true true true true true true false",
        ),
        ("{{eq .IPAM.Options nil}}", "true"),
        ("a {{- \" b \" -}} c", "a b c"),
        ("a \n{{- /* note */ -}}\n b", "ab"),
        ("{{/* note */}}x", "x"),
        ("{{\"q\\\"\\t\"}}{{`raw\\n`}}{{'a'}}{{0x10}}{{1e1}}", "q\"\traw\\n971610"),
        ("{{print 1 2 \"a\" 3}}{{println \"x\"}}", "1 2a3x\n"),
        ("{{html \"<a&\"}} {{urlquery \"a b/\"}} {{js \"'\"}}", "&lt;a&amp; a+b%2F \\'"),
        ("{{.Name}}{{\"\\n\"}}{{$.Id | len}}", "net\n16"),
        ("{{\n.Name\n}}", "net"),
        ("{{true}}{{3}}{{\"x\"}}", "true3x"),
        ("{{index .Name 0}}", "110"),
        ("{{(.IPAM).Driver}}", "default"),
    ] {
        assert_eq!(run(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn templates_that_cannot_be_parsed_say_why_as_go_does() {
    for (template, expected) in [
        ("{{.Name", "unclosed action"),
        ("{{", "unclosed action"),
        ("{{}}", "missing value for command"),
        ("{{.Name}", "bad character U+007D '}'"),
        ("{{(.Name)}", "unexpected \"}\" in operand"),
        ("{{if}}{{end}}", "missing value for if"),
        ("{{if .A}}", "unexpected EOF"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{else}}", "unexpected {{else}}"),
        ("{{if .A}}{{else}}{{else}}{{end}}", "expected end; found {{else}}"),
        ("{{nope .A}}", "function \"nope\" not defined"),
        ("{{$x}}", "undefined variable \"$x\""),
        ("{{$x = 1}}", "undefined variable \"$x\""),
        ("{{(.A}}", "unclosed left paren"),
        ("{{.A)}}", "unexpected right paren"),
        ("{{\"abc}}", "unterminated quoted string"),
        ("{{`abc}}", "unterminated raw quoted string"),
        ("{{.A | 3}}", "non executable command in pipeline stage 2"),
        ("{{1a}}", "bad number syntax: \"1a\""),
        ("{{break}}", "{{break}} outside {{range}}"),
        ("{{/* x}}", "unclosed comment"),
        ("{{/* x */ y}}", "comment ends before closing delimiter"),
        ("{{define \"x\"}}{{end}}", "{{define}} is not supported"),
        ("{{nil.A}}", "unexpected . after term \"nil\""),
        ("{{$a, $b := 1}}", "too many declarations in command"),
        ("{{.A | }}", "missing value for command"),
        ("{{.A!}}", "bad character U+0021 '!'"),
        ("{{\u{1}}}", "unrecognized character in action: U+0001"),
        ("{{\"\\q\"}}", "invalid syntax in string \"\\q\""),
    ] {
        assert_eq!(run(template), Err(format!("template: :1: {expected}")), "{template}");
    }
    assert_eq!(run("a\n\n{{nope}}"), Err("template: :3: function \"nope\" not defined".to_owned()));
}

#[test]
fn templates_that_do_not_fit_the_data_say_where_as_go_does() {
    for (template, expected) in [
        ("{{.Nope}}", ":1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\""),
        ("ab\n {{.IPAM.Nope}}", ":2:3: executing \"\" at <.IPAM.Nope>: map has no entry for key \"Nope\""),
        ("{{.Name.X}}", ":1:2: executing \"\" at <.Name.X>: can't evaluate field X in type string"),
        ("{{.IPAM.Options.X}}", ":1:2: executing \"\" at <.IPAM.Options.X>: nil pointer evaluating interface {}.X"),
        (
            "{{index .IPAM.Config 7}}",
            ":1:2: executing \"\" at <index .IPAM.Config 7>: error calling index: index out of range: 7",
        ),
        (
            "{{(index .IPAM.Config 0).Nope}}",
            ":1:24: executing \"\" at <(index .IPAM.Config ...>: map has no entry for key \"Nope\"",
        ),
        (
            "{{index .Labels 1}}",
            ":1:2: executing \"\" at <index .Labels 1>: error calling index: value has type int; should be string",
        ),
        ("{{index nil 1}}", ":1:2: executing \"\" at <index nil 1>: error calling index: index of untyped nil"),
        ("{{len 3}}", ":1:2: executing \"\" at <len 3>: error calling len: len of type int"),
        ("{{upper}}", ":1:2: executing \"\" at <upper>: wrong number of args for upper: want 1 got 0"),
        ("{{upper .N}}", ":1:2: executing \"\" at <upper .N>: wrong type for value; expected string; got int"),
        ("{{eq 1 \"a\"}}", ":1:2: executing \"\" at <eq 1 \"a\">: error calling eq: incompatible types for comparison"),
        (
            "{{eq .Peers 1}}",
            ":1:2: executing \"\" at <eq .Peers 1>: error calling eq: non-comparable type []: []interface {}",
        ),
        ("{{range .Name}}{{end}}", ":1:8: executing \"\" at <.Name>: range can't iterate over net"),
        ("{{.Name 1}}", ":1:2: executing \"\" at <.Name>: Name is not a method but has arguments"),
        ("{{3 | .Name}}", ":1:6: executing \"\" at <.Name>: Name is not a method but has arguments"),
        ("{{nil}}", ":1:2: executing \"\" at <nil>: nil is not a command"),
        (
            "{{slice .Name 3 1}}",
            ":1:2: executing \"\" at <slice .Name 3 1>: error calling slice: invalid slice index: 3 > 1",
        ),
        ("{{lt .Peers 1}}", ":1:2: executing \"\" at <lt .Peers 1>: error calling lt: invalid type for comparison"),
    ] {
        assert_eq!(run(template), Err(format!("template: {expected}")), "{template}");
    }
}

#[test]
fn a_listing_names_the_type_that_lacks_a_field() {
    let template = Template::parse("{{.Foo}}").unwrap();
    let settings = Settings { missing: Missing::FieldOf("*network.networkContext"), ..Settings::default() };
    let error = template.execute(&json!({"ID": "x"}), settings).unwrap_err().to_string();
    assert_eq!(
        error,
        "template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in type *network.networkContext"
    );
}

#[test]
fn headings_are_not_reshaped() {
    let template = Template::parse("{{json .ID}}\t{{upper .Name}}\t{{truncate .Name 2}}\t{{pad .Name 1 1}}").unwrap();
    let settings = Settings { headings: true, ..Settings::default() };
    let text = template.execute(&json!({"ID": "Network Id", "Name": "name"}), settings).unwrap();
    assert_eq!(text, "Network Id\tname\tname\t name ");
}

#[test]
fn a_method_looks_its_argument_up() {
    let template = Template::parse("{{.Label \"com.x-y\"}}|{{.Label \"none\"}}").unwrap();
    let labels = json!({"com.x-y": "v"});
    let lookups: [(&str, &Value); 1] = [("Label", &labels)];
    let settings = Settings { lookups: &lookups, ..Settings::default() };
    assert_eq!(template.execute(&json!({}), settings).as_deref(), Ok("v|"));
    let headings = Settings { headings: true, ..settings };
    assert_eq!(template.execute(&json!({}), headings).as_deref(), Ok("x y|none"));
    assert!(template.execute(&json!({}), Settings::default()).is_err());
}

#[test]
fn a_template_ends_and_keeps_its_output_small_whatever_it_says() {
    let many = format!("{}x{}", "{{range 1000}}".repeat(9), "{{end}}".repeat(9));
    assert!(run(&many).unwrap_err().ends_with("the template runs too long"));
    let grow = "{{$x := \"0123456789\"}}{{range 64}}{{$x = print $x $x}}{{end}}";
    assert!(run(grow).unwrap_err().ends_with("the value is too long"));
    let wide = "{{range 1000}}{{printf \"%999999d\" 1}}{{end}}";
    assert!(run(wide).unwrap_err().ends_with("the template writes too much"));
    for open in ["{{if 1}}", "{{("] {
        assert!(run(&open.repeat(5000)).is_err());
    }
    assert!(run(&format!("{{{{{}1{}}}}}", "(".repeat(5000), ")".repeat(5000))).unwrap_err().contains("nested deeper"));
    assert!(
        run(&format!("{}{}", "{{if 1}}".repeat(101), "{{end}}".repeat(101))).unwrap_err().contains("nested deeper")
    );
    assert_eq!(run(&format!("{}x{}", "{{if 1}}".repeat(100), "{{end}}".repeat(100))).as_deref(), Ok("x"));
}
