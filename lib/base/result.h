// Result<T>: a value or an Error, with the member names of std::expected.
//
// Every function of the library that can fail returns one. Nothing in lib/ throws, prints or exits;
// callers branch on Error::kind, never on its text. Each level prepends what it was doing:
//   return std::move(r).error().in("following sum.golang.org");
// and either returns the error or logs it, never both. Exit codes are chosen in cmd/ alone.
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace gw {

enum class ErrorKind {
  kUsage,        // the caller's or operator's input is wrong: fix it and call again
  kNotFound,     // the thing asked for does not exist
  kUnavailable,  // the network or another process: a retry may help
  kCorrupt,      // our own stored data is not what was written
  kUntrusted,    // a verification failed: never retried as a fault, nothing of it is kept
  kIo,           // the operating system refused: disk full, permission
  kInternal,     // a defect in gwtool
};

std::string_view error_kind_name(ErrorKind kind);

// What proves an error, for those who know its type; immutable.
struct ErrorDetail {
  ErrorDetail() = default;
  ErrorDetail(const ErrorDetail&) = default;
  ErrorDetail& operator=(const ErrorDetail&) = default;
  virtual ~ErrorDetail() = default;
};

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;  // lower case, no full stop, names what and where
  std::string hint;     // what to do, may be empty
  std::shared_ptr<const ErrorDetail> detail = nullptr;  // most have none

  // The same error with "CONTEXT: " before its message.
  [[nodiscard]] Error in(std::string_view context) &&;
  [[nodiscard]] Error in(std::string_view context) const&;
};

inline Error usage_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kUsage, std::move(message), std::move(hint)};
}
inline Error not_found_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kNotFound, std::move(message), std::move(hint)};
}
inline Error unavailable_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kUnavailable, std::move(message), std::move(hint)};
}
inline Error corrupt_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kCorrupt, std::move(message), std::move(hint)};
}
inline Error untrusted_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kUntrusted, std::move(message), std::move(hint)};
}
inline Error io_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kIo, std::move(message), std::move(hint)};
}
inline Error internal_error(std::string message, std::string hint = {}) {
  return {ErrorKind::kInternal, std::move(message), std::move(hint)};
}
// An io error with the text of `err`, an errno value: "WHAT: No such file or directory".
Error errno_error(std::string_view what, int err);

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` and `return error;` are the point
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // The value. Precondition: has_value(); the process aborts otherwise.
  T& value() & { return *check<0>(state_); }
  const T& value() const& { return *check<0>(state_); }
  T&& value() && { return std::move(*check<0>(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // The error. Precondition: !has_value().
  Error& error() & { return *check<1>(state_); }
  const Error& error() const& { return *check<1>(state_); }
  Error&& error() && { return std::move(*check<1>(state_)); }

  T value_or(T other) const& { return has_value() ? value() : std::move(other); }

 private:
  template <std::size_t I, class V>
  static auto check(V& state) {
    auto* p = std::get_if<I>(&state);
    if (p == nullptr) std::abort();
    return p;
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  // The error. Precondition: !has_value().
  Error& error() & { return *checked(error_); }
  const Error& error() const& { return *checked(error_); }
  Error&& error() && { return std::move(*checked(error_)); }

 private:
  template <class O>
  static O& checked(O& o) {
    if (!o) std::abort();
    return o;
  }
  std::optional<Error> error_;
};

using Status = Result<void>;

// Propagation.
//   GW_TRY(auto tile, fetch(path));      // declares tile, or returns the error
//   GW_CHECK(save(tile));                // returns the error, if any
#define GW_CONCAT_INNER(a, b) a##b
#define GW_CONCAT(a, b) GW_CONCAT_INNER(a, b)
#define GW_TRY(decl, ...) GW_TRY_IMPL(GW_CONCAT(gw_result_, __LINE__), decl, __VA_ARGS__)
#define GW_TRY_IMPL(tmp, decl, ...)        \
  auto tmp = (__VA_ARGS__);                \
  if (!tmp) return std::move(tmp).error(); \
  decl = *std::move(tmp)
#define GW_CHECK(...)                                                                    \
  do {                                                                                   \
    if (auto gw_status = (__VA_ARGS__); !gw_status) return std::move(gw_status).error(); \
  } while (false)

}  // namespace gw
