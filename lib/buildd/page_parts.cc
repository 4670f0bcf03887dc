#include "buildd/page_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "buildd/build_path.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

constexpr std::size_t kVersionsShown = 40;
constexpr std::size_t kVulnerabilitiesShown = 10;

struct Choice {
  std::string text;
  build::Key key;
  bool gone = false;
  bool vulnerable = false;
};

std::string choices(std::string_view title, const std::vector<Choice>& all, const build::Key& here,
                    const Around& around) {
  if (all.size() < 2) return "";
  std::string items;
  for (const Choice& choice : all) {
    const bool built = around.built.contains(build::format_key(choice.key));
    const std::string classes =
        fmt::format("{}{}{}", built ? "built " : "", choice.key == here ? "here " : "",
                    choice.gone ? "gone " : "");
    items += fmt::format(
        "<li><a class=\"{}\" href=\"{}\"{}>{}{}{}</a></li>", classes,
        escape_html(build_page(choice.key)), choice.key == here ? " aria-current=\"page\"" : "",
        escape_html(choice.text), built ? " ✓" : "",
        choice.vulnerable ? " <span title=\"known vulnerabilities\">⚠</span>" : "");
  }
  return fmt::format("<h2>{}</h2>\n<ul class=\"choices\">{}</ul>\n", title, items);
}

std::vector<Choice> version_choices(const build::Key& key, const Around& around) {
  std::vector<Choice> out;
  if (!around.versions) return out;
  const auto& retracted = around.versions->retracted;
  bool here = false;
  for (const std::string& version : around.versions->versions) {
    if (out.size() >= kVersionsShown && version != key.version) continue;
    here = here || version == key.version;
    build::Key other = key;
    other.version = version;
    const bool gone = std::find(retracted.begin(), retracted.end(), version) != retracted.end();
    out.push_back({version, std::move(other), gone, around.vulnerable.contains(version)});
  }
  if (!here) out.insert(out.begin(), {key.version, key});
  return out;
}

std::vector<Choice> target_choices(const build::Key& key) {
  std::vector<Choice> out;
  for (const build::KnownTarget& target : build::known_targets()) {
    if (target.needs_cgo) continue;
    build::Key other = key;
    other.target = {std::string(target.goos), std::string(target.goarch)};
    out.push_back({build::format_target(other.target), std::move(other)});
  }
  return out;
}

}  // namespace

std::string format_count(std::uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string what_for(const build::Key& key) {
  return fmt::format("{}, {}{}", build::format_target(key.target), key.go_version,
                     key.stripped ? ", stripped" : "");
}

std::string all_choices(const build::Key& key, const Around& around) {
  std::vector<Choice> go_versions;
  for (const std::string& version : around.go_versions) {
    build::Key other = key;
    other.go_version = version;
    go_versions.push_back({version, std::move(other)});
  }
  build::Key plain = key;
  plain.stripped = false;
  build::Key stripped = key;
  stripped.stripped = true;
  return choices("Versions", version_choices(key, around), key, around) +
         choices("Variants", {{"with symbols", plain}, {"stripped", stripped}}, key, around) +
         choices("Targets", target_choices(key), key, around) +
         choices("Go versions", go_versions, key, around);
}

std::string vulnerability_marks(const Findings& findings, bool unanswered) {
  if (unanswered) {
    return "<p class=\"note\">Whether vulnerabilities of it are known could not be looked up "
           "now.</p>\n";
  }
  if (!findings || findings->empty()) return "";
  std::string items;
  for (std::size_t i = 0; i < std::min(findings->size(), kVulnerabilitiesShown); ++i) {
    const mod::Finding& f = (*findings)[i];
    std::string aliases;
    for (const std::string& alias : f.aliases) aliases += (aliases.empty() ? "" : ", ") + alias;
    items += fmt::format("<li>{}{}: {} <span class=\"soft\">{} {}; {}</span></li>\n",
                         link("https://pkg.go.dev/vuln/" + f.id, f.id),
                         aliases.empty() ? "" : fmt::format(" ({})", escape_html(aliases)),
                         escape_html(f.summary), escape_html(f.component.module),
                         escape_html(f.component.version),
                         f.fixed.empty() ? "not fixed yet" : escape_html("fixed in " + f.fixed));
  }
  if (findings->size() > kVulnerabilitiesShown) {
    items += fmt::format("<li>and {} more</li>\n", findings->size() - kVulnerabilitiesShown);
  }
  return fmt::format(
      "<div class=\"note warn\"><p><strong>Vulnerable</strong>: {} known. Whether the code in "
      "question is ever run, nobody looked.</p>\n<ul>{}</ul></div>\n",
      findings->size(), items);
}

std::string private_mark(const std::string& remark) {
  if (remark.empty()) return "";
  return fmt::format("<p class=\"note\"><strong>Private</strong>: {}.</p>\n", escape_html(remark));
}

std::string marks(const build::Key& key, const Around& around) {
  std::string out;
  const auto note = [&](std::string_view text) {
    out += fmt::format("<p class=\"note warn\">{}</p>\n", text);
  };
  if (around.versions) {
    const ModuleVersions& v = *around.versions;
    if (std::find(v.retracted.begin(), v.retracted.end(), key.version) != v.retracted.end()) {
      note("<strong>Retracted</strong> by the module’s author: use another version.");
    }
    if (!v.deprecated.empty()) {
      note(fmt::format("<strong>Deprecated</strong> by the module’s author: {}",
                       escape_html(v.deprecated)));
    }
    if (!v.latest.empty() && v.latest != key.version) {
      build::Key newest = key;
      newest.version = v.latest;
      note(fmt::format("The newest version is {}.", link(build_page(newest), v.latest)));
    }
  }
  if (around.object_files) {
    note(
        "The module contains prebuilt object files (<code>.syso</code>). They are linked as they "
        "are: reproducible, and not made from source.");
  }
  return private_mark(around.remark) + out +
         vulnerability_marks(around.findings, around.unanswered);
}

std::string builds_table(const std::vector<Built>& builds) {
  if (builds.empty()) return "<p class=\"soft\">Nothing yet.</p>\n";
  std::string rows;
  for (const Built& built : builds) {
    const auto record = tlog::parse_build_record(built.record);
    if (!record) continue;
    const tlog::BuildTarget& t = record->target;
    rows += fmt::format(
        "<tr><td><a href=\"/{}{}/\">{}{}</a> {}</td><td>{}/{}{}</td><td>{}</td>"
        "<td class=\"number\">{}</td></tr>\n",
        escape_html(built.key), escape_html(record->sum), escape_html(t.module),
        escape_html(t.dir.size() > 1 ? t.dir : ""), escape_html(t.version), escape_html(t.goos),
        escape_html(t.goarch), t.stripped ? ", stripped" : "", escape_html(t.goversion),
        format_size(record->size));
  }
  return fmt::format(
      "<div class=\"scroll\"><table><thead><tr><th>Command</th><th>For</th><th>Go</th>"
      "<th>Size</th></tr></thead>\n<tbody>{}</tbody></table></div>\n",
      rows);
}

}  // namespace gw::buildd
