"""Every metric of lib/base/metrics_table.h is counted or set somewhere, with every value of its label:
one that never is would be told as 0 for ever. What the manual names is in the table: an alert that waits
for a metric that nobody has never comes.
"""

import os
import re
import unittest

SOURCE = os.environ.get(
    "GW_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
TABLE = "lib/base/metrics_table.h"


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def code():
    """The text of all code that may count."""
    out = []
    for room in ("lib", "cmd"):
        for base, _, files in os.walk(os.path.join(SOURCE, room)):
            for name in sorted(files):
                path = os.path.relpath(os.path.join(base, name), SOURCE)
                if name.endswith((".cc", ".h")) and not path.startswith("lib/base/metrics"):
                    out.append(read(path))
    return "\n".join(out)


def metrics(table):
    """(id, type, label's enum or "") of each row."""
    return re.findall(r"\{Metric::(\w+),\s*MetricType::(\w+),\s*\"\w+\",\s*"
                      r"(?:kNoLabel|label_of<(\w+)>\(\"\w+\"\))", table)


def values(table, enum):
    body = re.search(r"enum class %s : \S+ \{(.*?)\};" % enum, table, re.S).group(1)
    return re.findall(r"k\w+", body)


def complaints(table, text):
    out = []
    for name, kind, enum in metrics(table):
        verb = {"kCounter": "metric_add", "kGauge": "metric_set"}[kind]
        if not re.search(r"\b%s\(\s*Metric::%s\b" % (verb, name), text):
            out.append("%s is never given to %s" % (name, verb))
        for value in values(table, enum) if enum else []:
            if not re.search(r"\b%s::%s\b" % (enum, value), text):
                out.append("%s::%s is named by nobody" % (enum, value))
    return out


def told(table):
    """What a metrics page has: name -> (its label's name or "", the values of that)."""
    out = {}
    for name, enum, label in re.findall(r"MetricType::\w+,\s*\"(\w+)\",\s*"
                                        r"(?:kNoLabel|label_of<(\w+)>\(\"(\w+)\"\))", table):
        out[name] = (label, re.findall(r"case %s::\w+:\s*return \"([^\"]*)\"" % enum, table) if enum else [])
    return out


def manual_complaints(table, page):
    known, out = told(table), []
    for name, labels in re.findall(r"\b(gwtool_\w+)(?:\{([^}]*)\})?", page):
        if name not in known:
            out.append("%s is no metric" % name)
            continue
        label, texts = known[name]
        for pair in labels.split(",") if labels else []:
            m = re.fullmatch(r'(\w+)="([^"]*)"', pair)
            if not m or m.group(1) != label or m.group(2) not in texts:
                out.append("%s has no %s" % (name, pair))
    return out


def rule_complaints(page):
    """Of what stands where a rule of Prometheus does: promtool says more, where it is installed."""
    number, span = r"\d+(?:\.\d+)?", r"\d+[smhd]"
    metric = r'gwtool_\w+(?:\{\w+="[^"]*"\})?'
    expr = r"(?:(?:increase|rate)\(%s\[%s\]\)|%s) > %s" % (metric, span, metric, number)
    rule = r"  - alert: [A-Z]\w*\n    expr: %s\n(?:    for: %s\n)?" % (expr, span)
    out = []
    for block in re.findall(r"^groups:\n- name: [\w-]+\n  rules:\n((?:(?! *\.).*\n)+)", page, re.M):
        out += [r for r in re.split(r"^(?=.*alert)", block, flags=re.M) if r and not re.fullmatch(rule, r)]
    return out


class Metrics(unittest.TestCase):
    def test_what_the_manual_names_is_there(self):
        table = ('case How::kA:\n return "a";\ncase How::kB:\n return "b";\n'
                 '{Metric::kOne, MetricType::kCounter, "gwtool_one_total", label_of<How>("how"), "X"},\n')
        self.assertEqual(manual_complaints(table, 'gwtool_one_total{how="a"} gwtool_one_total'), [])
        self.assertEqual(manual_complaints(table, 'gwtool_one gwtool_one_total{how="c"} gwtool_one_total{x="a"}'),
                         ["gwtool_one is no metric", 'gwtool_one_total has no how="c"', 'gwtool_one_total has no x="a"'])
        named = 0
        for name in sorted(os.listdir(os.path.join(SOURCE, "man", "sections"))):
            page = read("man/sections/" + name)
            named += page.count("gwtool_")
            self.assertEqual(manual_complaints(read(TABLE), page), [], name)
        self.assertGreater(named, 10)

    def test_rules_have_the_form_of_rules(self):
        head = "groups:\n- name: x\n  rules:\n"
        good = '  - alert: A\n    expr: increase(gwtool_a_total{b="c"}[1h]) > 0\n    for: 10m\n'
        self.assertEqual(rule_complaints(head + good + good.replace("    for: 10m\n", "")), [])
        for old, new in (("- alert", "-alert"), ("[1h])", "[1h]"), ("[1h]", "[1 h]"), ("> 0", "> x"), ("for: 10m", "for: 10"),
                         ("    expr", "   expr"), ('"c"}', "c}"), ("    for", "    labels: x\n    for")):
            self.assertEqual(len(rule_complaints(head + good.replace(old, new))), 1, new)
        page = read("man/sections/gwtool-build.mdoc")
        self.assertIn(head.replace("x", "gwtool-builds"), page)
        self.assertGreater(page.count("  - alert: "), 5)
        self.assertEqual(rule_complaints(page), [])

    def test_rule_can_fail(self):
        table = ('enum class Metric : std::uint16_t { kOne, kTwo };\nenum class How : std::uint8_t { kA, '
                 'kB };\n{Metric::kOne, MetricType::kCounter, "gwtool_one_total", label_of<How>("how"), '
                 '"X"},\n{Metric::kTwo, MetricType::kGauge, "gwtool_two", kNoLabel, "Y"},\n')
        self.assertEqual(complaints(table, "metric_add(Metric::kOne, x ? How::kA : How::kB);"
                                           "metric_set(\n  Metric::kTwo, 1);"), [])
        self.assertEqual(complaints(table, "metric_add(Metric::kOne, How::kA);"
                                           "metric_add(Metric::kTwo);"),
                         ["How::kB is named by nobody", "kTwo is never given to metric_set"])

    def test_each_is_set_somewhere(self):
        table = read(TABLE)
        ids = re.findall(r"k\w+", re.search(r"enum class Metric : \S+ \{(.*?)\};", table, re.S).group(1))
        self.assertEqual([name for name, _, _ in metrics(table)], ids, "the rule sees every row")
        self.assertGreater(len(ids), 30)
        self.assertEqual(complaints(table, code()), [])

    def test_names(self):
        for name, kind in re.findall(r"MetricType::(\w+),\s*\"(\w+)\"", read(TABLE)):
            self.assertRegex(kind, r"^gwtool_[a-z0-9_]+$")
            self.assertEqual(name == "kCounter", kind.endswith("_total"), kind)


if __name__ == "__main__":
    unittest.main()
