#include "vanity/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace gw::vanity {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxCopied = std::size_t{16} << 20;  // bytes of memory, about

// What a value takes, and how many levels it has.
struct Extent {
  std::size_t bytes = 0;
  int levels = 1;
};

Extent extent_of(const Json& value) {  // NOLINT(misc-no-recursion): kMaxDepth
  Extent out{sizeof(Json), 1};
  if (value.is_string()) out.bytes += value.get_ref<const std::string&>().size();
  for (const auto& item : value.items()) {
    if (!value.is_structured()) break;
    const Extent one = extent_of(item.value());
    out.bytes += one.bytes + item.key().size();
    out.levels = std::max(out.levels, one.levels + 1);
  }
  return out;
}

std::string at(const yaml_mark_t& mark) {
  return fmt::format("line {}, column {}: ", mark.line + 1, mark.column + 1);
}

// One event of the parser; freed with it.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }

  yaml_event_t* get() { return &event_; }
  yaml_event_type_t type() const { return event_.type; }
  std::string where() const { return at(event_.start_mark); }
  // The name that is given to the node, or of the one that is meant; "" when there is none.
  std::string anchor() const {
    const yaml_char_t* name = nullptr;
    if (event_.type == YAML_SCALAR_EVENT) name = event_.data.scalar.anchor;
    if (event_.type == YAML_SEQUENCE_START_EVENT) name = event_.data.sequence_start.anchor;
    if (event_.type == YAML_MAPPING_START_EVENT) name = event_.data.mapping_start.anchor;
    if (event_.type == YAML_ALIAS_EVENT) name = event_.data.alias.anchor;
    return name == nullptr ? "" : reinterpret_cast<const char*>(name);
  }
  bool is_merge() const {
    return event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar() == "<<";
  }
  std::string scalar() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }
  // YAML 1.2 section 10.2.1.1: unquoted and without a tag of its own. So is JSON's null.
  bool is_null() const {
    if (event_.data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
        event_.data.scalar.plain_implicit == 0) {
      return false;
    }
    const std::string text = scalar();
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
  }

 private:
  yaml_event_t event_{};
};

class Parser {
 public:
  explicit Parser(std::string_view text) {
    ok_ = yaml_parser_initialize(&parser_) == 1;
    if (ok_) {
      yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                   text.size());
    }
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() {
    if (ok_) yaml_parser_delete(&parser_);
  }

  Result<Json> document() {
    if (!ok_) return internal_error("libyaml cannot be started");
    GW_CHECK(expect(YAML_STREAM_START_EVENT));
    Event first;
    GW_CHECK(next(first));
    if (first.type() == YAML_STREAM_END_EVENT) return Json();
    Json value;
    {
      Event event;
      GW_CHECK(next(event));
      GW_TRY(value, node(event, 1));
    }
    GW_CHECK(expect(YAML_DOCUMENT_END_EVENT));
    Event end;
    GW_CHECK(next(end));
    if (end.type() != YAML_STREAM_END_EVENT) return refused(end, "a second document");
    return value;
  }

 private:
  static Error refused(const Event& event, std::string_view what) {
    return usage_error(fmt::format("{}{} is not taken", event.where(), what));
  }

  Status next(Event& event) {
    if (yaml_parser_parse(&parser_, event.get()) == 1) return {};
    std::string problem = parser_.problem != nullptr ? parser_.problem : "malformed";
    // Errors of the reader, such as bad UTF-8, have an offset instead of a place.
    if (parser_.error == YAML_READER_ERROR) {
      return usage_error(fmt::format("byte {}: {}", parser_.problem_offset, problem));
    }
    return usage_error(at(parser_.problem_mark) + problem);
  }

  Status expect(yaml_event_type_t type) {
    Event event;
    GW_CHECK(next(event));
    if (event.type() != type) return usage_error(event.where() + "malformed");
    return {};
  }

  // The node that begins with this event. Recursion is bounded by kMaxDepth.
  Result<Json> node(const Event& event, int depth) {
    if (depth > kMaxDepth) return refused(event, "nesting of more than 32 levels");
    if (event.type() == YAML_ALIAS_EVENT) return alias(event, depth);
    GW_TRY(Json value, own_node(event, depth));
    // Named once it is whole: it cannot hold itself.
    if (const std::string name = event.anchor(); !name.empty()) anchors_[name] = value;
    return value;
  }

  Result<Json> alias(const Event& event, int depth) {
    const auto found = anchors_.find(event.anchor());
    if (found == anchors_.end()) return refused(event, "an alias of nothing before it");
    const Extent extent = extent_of(found->second);
    if (depth + extent.levels - 1 > kMaxDepth) {
      return refused(event, "nesting of more than 32 levels");
    }
    copied_ += extent.bytes;
    if (copied_ > kMaxCopied) return refused(event, "more than 16 MB by aliases");
    return found->second;
  }

  Result<Json> own_node(const Event& event, int depth) {
    switch (event.type()) {
      case YAML_SCALAR_EVENT:
        return event.is_null() ? Json() : Json(event.scalar());
      case YAML_SEQUENCE_START_EVENT:
        return sequence(depth);
      case YAML_MAPPING_START_EVENT:
        return mapping(depth);
      default:
        return usage_error(event.where() + "malformed");
    }
  }

  Result<Json> sequence(int depth) {
    Json out = Json::array();
    for (;;) {
      Event event;
      GW_CHECK(next(event));
      if (event.type() == YAML_SEQUENCE_END_EVENT) return out;
      GW_TRY(Json value, node(event, depth + 1));
      out.push_back(std::move(value));
    }
  }

  Result<Json> mapping(int depth) {
    Json out = Json::object();
    // The members are a list in order, where looking for each would take the square of their
    // number.
    std::unordered_set<std::string> keys;
    std::vector<Json::object_t::value_type>& members = out.get_ref<Json::object_t&>();
    std::vector<Json> merged;
    for (;;) {
      Event event;
      GW_CHECK(next(event));
      if (event.type() == YAML_MAPPING_END_EVENT) break;
      if (event.type() != YAML_SCALAR_EVENT) return refused(event, "a key that is no scalar");
      std::string key = event.scalar();
      if (!keys.insert(key).second) return refused(event, "duplicate key " + gw::quoted(key));
      Event first;
      GW_CHECK(next(first));
      GW_TRY(Json value, node(first, depth + 1));
      if (event.is_merge()) {
        if (!value.is_array()) value = Json::array({std::move(value)});
        for (Json& one : value) {
          if (!one.is_object()) return refused(first, "\"<<\" of what is no mapping");
          merged.push_back(std::move(one));
        }
        continue;
      }
      members.emplace_back(std::move(key), std::move(value));
    }
    // A mapping's own keys count before those that it is given, and the first of these.
    for (Json& from : merged) {
      for (auto& [key, value] : from.get_ref<Json::object_t&>()) {
        if (keys.insert(key).second) members.emplace_back(key, std::move(value));
      }
    }
    return out;
  }

  std::map<std::string, Json> anchors_;
  std::size_t copied_ = 0;
  yaml_parser_t parser_{};
  bool ok_ = false;
};

}  // namespace

Result<Json> parse_yaml(std::string_view text) { return Parser(text).document(); }

}  // namespace gw::vanity
