#include "frame/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/bytes.h"

namespace gw::cmd {

namespace {

Option make(std::string name, ValueKind kind, std::string value, std::string help) {
  Option o;
  o.name = std::move(name);
  o.kind = kind;
  o.value = std::move(value);
  o.help = std::move(help);
  return o;
}

// The assignment of an option that takes one value.
std::function<Status(const std::vector<std::string>&)> single(
    std::function<Status(const std::string&)> store) {
  return [store = std::move(store)](const std::vector<std::string>& values) -> Status {
    return store(values.back());
  };
}

template <class D>
Option make_duration(std::string name, D* out, D min, D max, std::string help) {
  Option o = make(std::move(name), ValueKind::kDuration, "DURATION", std::move(help));
  o.fallback = format_duration(*out);
  o.assign = single([out, min, max](const std::string& text) -> Status {
    const auto d = parse_duration(text);
    if (!d) {
      return usage_error(gw::quoted(text) + " is not a duration",
                         "numbers, each with one of d, h, m, s, ms: 90s, 1m30s, 6h");
    }
    D value = std::chrono::duration_cast<D>(*d);
    if (value != *d || value < min || value > max) {
      return usage_error(fmt::format("{} is not between {} and {}", gw::quoted(text),
                                     format_duration(min), format_duration(max)));
    }
    *out = value;
    return {};
  });
  return o;
}

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return kExitUsage;
    case ErrorKind::kUnavailable:
      return kExitTemporary;
    case ErrorKind::kUntrusted:
      return kExitUntrusted;
    case ErrorKind::kNotFound:
    case ErrorKind::kCorrupt:
    case ErrorKind::kIo:
    case ErrorKind::kInternal:
      return kExitFailed;
  }
  return kExitFailed;
}

int worse_exit(int a, int b) {
  auto rank = [](int code) { return std::find(kExitOrder.begin(), kExitOrder.end(), code); };
  return rank(a) <= rank(b) ? a : b;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (text.empty()) return std::nullopt;
  std::int64_t sum = 0;
  std::size_t next = 0;  // the units in their order, each once: 1m30s
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
    const auto n = parse_decimal(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::string_view name = text.substr(0, text.find_first_of(kDigits));
    text.remove_prefix(name.size());
    while (next < kUnits.size() && kUnits[next].name != name) ++next;
    if (!n || next == kUnits.size()) return std::nullopt;
    const std::int64_t unit = kUnits[next++].ms;
    if (*n > static_cast<std::uint64_t>((kMost - sum) / unit)) return std::nullopt;
    sum += static_cast<std::int64_t>(*n) * unit;
  }
  return std::chrono::milliseconds(sum);
}

std::string format_duration(std::chrono::milliseconds d) {
  if (d.count() == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (d.count() % unit.ms == 0) {
      return fmt::format("{}{}", d.count() / unit.ms, unit.name);
    }
  }
  return fmt::format("{}ms", d.count());
}

Option&& Option::more(std::string text) && {
  doc = std::move(text);
  return std::move(*this);
}
Option&& Option::require() && {
  required = true;
  return std::move(*this);
}
Option&& Option::short_name(char c) && {
  letter = c;
  return std::move(*this);
}
Option&& Option::environment(std::string variable) && {
  env = std::move(variable);
  return std::move(*this);
}
Option&& Option::default_text(std::string text) && {
  fallback = std::move(text);
  fallback_described = true;
  return std::move(*this);
}
Option&& Option::on_command_line_only() && {
  command_line_only = true;
  return std::move(*this);
}
Option&& Option::inherit() && {
  inherited = true;
  return std::move(*this);
}
Option&& Option::check(std::function<Status(std::string_view)> test) && {
  assign = [inner = std::move(assign),
            test = std::move(test)](const std::vector<std::string>& values) -> Status {
    for (const std::string& v : values) GW_CHECK(test(v));
    return inner(values);
  };
  return std::move(*this);
}

Option flag_option(std::string name, bool* out, std::string help) {
  Option o = make(std::move(name), ValueKind::kFlag, "", std::move(help));
  o.fallback = *out ? "true" : "false";
  o.assign = single([out](const std::string& text) -> Status {
    if (text != "true" && text != "false") {
      return usage_error(gw::quoted(text) + " is neither true nor false");
    }
    *out = text == "true";
    return {};
  });
  return o;
}

Option text_option(std::string name, std::string value, std::string* out, std::string help) {
  Option o = make(std::move(name), ValueKind::kText, std::move(value), std::move(help));
  o.fallback = *out;
  o.assign = single([out](const std::string& text) -> Status {
    *out = text;
    return {};
  });
  return o;
}

Option text_option(std::string name, std::string value, std::optional<std::string>* out,
                   std::string help) {
  Option o = make(std::move(name), ValueKind::kText, std::move(value), std::move(help));
  o.fallback = out->value_or("");
  o.assign = single([out](const std::string& text) -> Status {
    *out = text;
    return {};
  });
  return o;
}

Option list_option(std::string name, std::string value, std::vector<std::string>* out,
                   std::string help) {
  Option o = make(std::move(name), ValueKind::kText, std::move(value), std::move(help));
  o.repeatable = true;
  o.fallback_described = out->size() > 1;
  for (const std::string& v : *out) o.fallback += (o.fallback.empty() ? "" : " ") + v;
  o.assign = [out](const std::vector<std::string>& values) -> Status {
    *out = values;
    return {};
  };
  return o;
}

Option number_option(std::string name, std::string value, std::uint64_t* out, std::uint64_t min,
                     std::uint64_t max, std::string help) {
  Option o = make(std::move(name), ValueKind::kNumber, std::move(value), std::move(help));
  o.fallback = std::to_string(*out);
  o.assign = single([out, min, max](const std::string& text) -> Status {
    const auto n = parse_decimal(text);
    if (!n || *n < min || *n > max) {
      return usage_error(
          fmt::format("{} is not a number from {} to {}", gw::quoted(text), min, max));
    }
    *out = *n;
    return {};
  });
  return o;
}

Option duration_option(std::string name, std::chrono::seconds* out, std::chrono::seconds min,
                       std::chrono::seconds max, std::string help) {
  return make_duration(std::move(name), out, min, max, std::move(help));
}
Option duration_option(std::string name, std::chrono::milliseconds* out,
                       std::chrono::milliseconds min, std::chrono::milliseconds max,
                       std::string help) {
  return make_duration(std::move(name), out, min, max, std::move(help));
}

Option path_option(std::string name, std::string value, std::string* out, PathUse use,
                   std::string help) {
  Option o = text_option(std::move(name), std::move(value), out, std::move(help));
  o.kind = ValueKind::kPath;
  o.use = use;
  return o;
}
Option path_option(std::string name, std::string value, std::optional<std::string>* out,
                   PathUse use, std::string help) {
  Option o = text_option(std::move(name), std::move(value), out, std::move(help));
  o.kind = ValueKind::kPath;
  o.use = use;
  return o;
}
Option path_list_option(std::string name, std::string value, std::vector<std::string>* out,
                        PathUse use, std::string help) {
  Option o = list_option(std::move(name), std::move(value), out, std::move(help));
  o.kind = ValueKind::kPath;
  o.use = use;
  return o;
}

Option custom_option(std::string name, std::string value,
                     std::function<Status(std::string_view)> parse, std::string help,
                     bool repeatable) {
  Option o = make(std::move(name), ValueKind::kText, std::move(value), std::move(help));
  o.repeatable = repeatable;
  o.assign = [parse = std::move(parse)](const std::vector<std::string>& values) -> Status {
    for (const std::string& v : values) GW_CHECK(parse(v));
    return {};
  };
  return o;
}

Option positional(const std::string& value, std::string* out, std::string help) {
  Option o = text_option(value, value, out, std::move(help));
  o.positional = true;
  o.required = true;
  o.command_line_only = true;
  return o;
}
Option positional(const std::string& value, std::optional<std::string>* out, std::string help) {
  Option o = text_option(value, value, out, std::move(help));
  o.positional = true;
  o.command_line_only = true;
  return o;
}
Option positionals(const std::string& value, std::vector<std::string>* out, bool required,
                   std::string help) {
  Option o = list_option(value, value, out, std::move(help));
  o.positional = true;
  o.required = required;
  o.command_line_only = true;
  return o;
}

Option choice_option_of(std::string name, std::string value, std::vector<Choice> choices,
                        std::size_t fallback, std::function<void(std::size_t)> store,
                        std::string help) {
  Option o = make(std::move(name), ValueKind::kChoice, std::move(value), std::move(help));
  if (fallback < choices.size()) o.fallback = choices[fallback].name;
  o.choices = choices;
  o.assign = single(
      [choices = std::move(choices), store = std::move(store)](const std::string& text) -> Status {
        std::string all;
        for (std::size_t i = 0; i < choices.size(); ++i) {
          if (choices[i].name == text) {
            store(i);
            return {};
          }
          all += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i].name;
        }
        return usage_error(fmt::format("{} is not {}", gw::quoted(text), all));
      });
  return o;
}

Command& Command::add(Option option) {
  options.push_back(std::move(option));
  return *this;
}
Command& Command::add(Command subcommand) {
  subcommands.push_back(std::move(subcommand));
  return *this;
}

}  // namespace gw::cmd
