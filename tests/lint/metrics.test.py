"""Every metric of lib/base/metrics_table.h is counted or set somewhere, with every value of its label:
one that never is would be told as 0 for ever.
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


class Metrics(unittest.TestCase):
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
