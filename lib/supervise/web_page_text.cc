// The page's words, times and forms.
#include <fmt/format.h>

#include <algorithm>

#include "http/html.h"
#include "supervise/json_fields.h"
#include "supervise/web_page_parts.h"

namespace gw::supervise::page {

using http::escape_html;

std::string e(const Json& object, std::string_view name) {
  return escape_html(text_member(object, name));
}

std::string target(const Json& object) {
  return fmt::format("{} {}", e(object, "version"), e(object, "go_version"));
}

std::string big(const Json& object) {
  return fmt::format(R"(<p class="big">{} <small>{}</small></p>)", e(object, "version"),
                     e(object, "go_version"));
}

std::string why_not(const Json& s) {
  constexpr std::string_view kPaused = "paused: ";
  std::string why = text_member(s, "why_not");
  if (why.starts_with(kPaused)) why.erase(0, kPaused.size());
  return escape_html(why);
}

std::string sentence(std::string text) {
  if (text.starts_with("nothing ") || text.starts_with("nobody ")) text[0] = 'N';
  return text + ".";
}

// ---- times ----

std::string count(std::int64_t n, std::string_view one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

std::string length(std::chrono::seconds time) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t s = time.count();
  if (s < 2 * kMinute) return count(s, "second");
  if (s < 2 * kHour) return count(s / kMinute, "minute");
  if (s <= 3 * kDay) return count(s / kHour, "hour");
  return count(s / kDay, "day");
}

std::string length_member(const Json& object, std::string_view name) {
  const auto n = number_member(object, name).value_or(0);
  return n == 0 ? "" : length(std::chrono::seconds(static_cast<std::int64_t>(n)));
}

std::string moment(const PageParts& p, const Json& object, std::string_view name) {
  constexpr std::size_t kMinutes = 16;  // of "2026-12-01T03:00:00+01:00"
  constexpr std::chrono::seconds kNow{5};
  const std::string text = text_member(object, name);
  const auto time = time_member(object, name);
  if (!time || text.size() < kMinutes) return escape_html(text);
  std::string shown = text.substr(0, kMinutes);
  std::replace(shown.begin(), shown.end(), 'T', ' ');
  std::string away;
  if (p.now) {
    const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(*time - *p.now);
    away = ahead > kNow    ? fmt::format(" (in {})", length(ahead))
           : ahead < -kNow ? fmt::format(" ({} ago)", length(-ahead))
                           : " (now)";
  }
  return fmt::format(R"(<time datetime="{0}" title="{0}">{1}</time>{2})", escape_html(text),
                     escape_html(shown), away);
}

std::string schedule_text(const Json& s) {
  std::string out;
  for (const std::string& item : texts_member(s, "schedule")) {
    out += (out.empty() ? "" : ", ") + escape_html(item);
  }
  return out;
}

// ---- forms ----

std::string form_head(const PageParts& p, std::string_view action, std::string_view style) {
  return fmt::format(
      R"(<form method="post" action="/{}"{}><input type="hidden" name="token" value="{}">)", action,
      style.empty() ? "" : fmt::format(R"( class="{}")", style), escape_html(p.form_token));
}

std::string button(const PageParts& p, std::string_view action, std::string_view label,
                   const std::vector<Field>& fields, bool main) {
  std::string out = form_head(p, action);
  for (const Field& field : fields) {
    out += fmt::format(R"(<input type="hidden" name="{}" value="{}">)", field.name,
                       escape_html(field.value));
  }
  return out +
         fmt::format(R"(<button{}>{}</button></form>)", main ? R"( class="main")" : "", label);
}

}  // namespace gw::supervise::page
