#include "http/head_scanner.h"

#include <algorithm>

namespace gw::http {

namespace {

constexpr int kBad = 400;
constexpr int kLongTarget = 414;
constexpr int kLarge = 431;

}  // namespace

HeadScanner::State HeadScanner::feed(std::string_view bytes, std::size_t& used) {
  for (used = 0; used < bytes.size();) {
    if (at_ == At::kHeader) used += skip_plain(bytes.substr(used));
    if (used == bytes.size()) break;
    const bool last = at_ == At::kEndLf;
    status_ = take(static_cast<unsigned char>(bytes[used++]));
    if (status_ != 0) return State::kRefused;
    if (last) return State::kDone;
  }
  return State::kMore;
}

// Most bytes are those of a header, and change nothing.
std::size_t HeadScanner::skip_plain(std::string_view bytes) {
  const std::size_t most = std::min(bytes.size(), limits_.bytes - size_);
  std::size_t n = 0;
  while (n < most && bytes[n] >= ' ' && bytes[n] != 0x7f) ++n;
  size_ += n;
  return n;
}

int HeadScanner::take(unsigned char c) {
  if (at_ == At::kStart && c == '\r' && skipped_ == 0) {
    at_ = At::kSkipLf;
    ++skipped_;
    return 0;
  }
  if (at_ == At::kSkipLf) {
    at_ = At::kStart;
    ++skipped_;
    return c == '\n' ? 0 : kBad;
  }
  ++size_;
  const bool in_request_line = at_ == At::kStart || at_ == At::kRequestLine;
  if (in_request_line && c != '\r' && size_ > limits_.line) return kLongTarget;
  if (size_ > limits_.bytes) return kLarge;
  switch (at_) {
    case At::kStart:
      at_ = At::kRequestLine;
      return c > ' ' && c < 0x7f ? 0 : kBad;
    case At::kRequestLine:
      if (c == '\r') {
        at_ = At::kLf;
        return 0;
      }
      return c >= ' ' && c < 0x7f ? 0 : kBad;
    case At::kHeader:
      if (c == '\r') {
        at_ = At::kLf;
        return 0;
      }
      return (c >= ' ' || c == '\t') && c != 0x7f ? 0 : kBad;
    case At::kLf:
      at_ = At::kLineStart;
      return c == '\n' ? 0 : kBad;
    case At::kLineStart:
      return take_line_start(c);
    case At::kEndLf:
      return c == '\n' ? 0 : kBad;
    case At::kSkipLf:
      break;
  }
  return kBad;
}

int HeadScanner::take_line_start(unsigned char c) {
  if (c == '\r') {
    at_ = At::kEndLf;
    return 0;
  }
  at_ = At::kHeader;
  if (++lines_ > limits_.headers) return kLarge;
  // A blank would make this line a part of the one before: obs-fold.
  return c > ' ' && c < 0x7f ? 0 : kBad;
}

}  // namespace gw::http
