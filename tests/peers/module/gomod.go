package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/modfile"
)

// A directive as one JSON object with its keys in the order given; text that is not UTF-8 as
// "hex:...".
func object(pairs ...interface{}) string {
	var b strings.Builder
	b.WriteString("{")
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteString(",")
		}
		value := pairs[i+1]
		if s, ok := value.(string); ok && !utf8.ValidString(s) {
			value = "hex:" + hex.EncodeToString([]byte(s))
		}
		v, _ := json.Marshal(value)
		fmt.Fprintf(&b, "%q:%s", pairs[i], v)
	}
	b.WriteString("}\n")
	return b.String()
}

func line(syntax *modfile.Line) int { return syntax.Start.Line }

func gomod(text string, strict bool) string {
	parse := modfile.ParseLax
	if strict {
		parse = modfile.Parse
	}
	f, err := parse("go.mod", []byte(text), nil)
	if err != nil {
		var list modfile.ErrorList
		if !errors.As(err, &list) {
			return "error 0 " + err.Error()
		}
		return fmt.Sprintf("error %d %s", list[0].Pos.Line, list[0].Err)
	}
	out := ""
	if f.Module != nil {
		out += object("module", f.Module.Mod.Path, "deprecated", f.Module.Deprecated,
			"line", line(f.Module.Syntax))
	}
	if f.Go != nil {
		out += object("go", f.Go.Version, "line", line(f.Go.Syntax))
	}
	out += newer(f, "Toolchain", "toolchain", "Name")
	out += newer(f, "Godebug", "godebug", "Key", "Value")
	for _, r := range f.Require {
		out += object("require", r.Mod.Path, "version", r.Mod.Version, "indirect", r.Indirect,
			"line", line(r.Syntax))
	}
	for _, x := range f.Exclude {
		out += object("exclude", x.Mod.Path, "version", x.Mod.Version, "line", line(x.Syntax))
	}
	for _, r := range f.Replace {
		out += object("replace", r.Old.Path, "version", r.Old.Version, "with", r.New.Path,
			"with_version", r.New.Version, "line", line(r.Syntax))
	}
	for _, r := range f.Retract {
		out += object("retract", r.Low, "high", r.High, "rationale", r.Rationale,
			"line", line(r.Syntax))
	}
	out += newer(f, "Tool", "tool", "Path")
	out += newer(f, "Ignore", "ignore", "Path")
	return out
}

// Directives that x/mod v0.7 does not know, by reflection: one or a list of them, whose fields are
// named.
func newer(f *modfile.File, field, name string, parts ...string) string {
	list := reflect.ValueOf(f).Elem().FieldByName(field)
	if !list.IsValid() || list.IsNil() {
		return ""
	}
	if list.Kind() != reflect.Slice {
		one := reflect.MakeSlice(reflect.SliceOf(list.Type()), 0, 1)
		list = reflect.Append(one, list)
	}
	out := ""
	for i := 0; i < list.Len(); i++ {
		d := list.Index(i).Elem()
		pairs := []interface{}{name, d.FieldByName(parts[0]).String()}
		for _, part := range parts[1:] {
			pairs = append(pairs, strings.ToLower(part), d.FieldByName(part).String())
		}
		syntax := d.FieldByName("Syntax").Interface().(*modfile.Line)
		out += object(append(pairs, "line", line(syntax))...)
	}
	return out
}
