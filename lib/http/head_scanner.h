// Finds the end of a request's head as its bytes come, and refuses at once what can become none:
// before the parser, which wants the whole head, sees it.
//
// Each byte is looked at once, however they arrive. What is refused here and not by the parser:
// lines that go on in the next one (obs-fold), more lines or bytes than allowed. A bare LF or CR,
// control characters and a first line that is no text (TLS on a plain port) would be refused there
// too, but only after a head's end that may never come.
#pragma once

#include <cstddef>
#include <string_view>

namespace gw::http {

struct HeadLimits {
  std::size_t line = 8 << 10;    // bytes of the request line, more get 414
  std::size_t bytes = 16 << 10;  // of the whole head, more get 431
  std::size_t headers = 100;     // more get 431
};

class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  enum class State { kMore, kDone, kRefused };
  // The next bytes; at kDone `used` of them were the head's, its last CRLF included. Not to be
  // called after kDone or kRefused.
  State feed(std::string_view bytes, std::size_t& used);

  int status() const { return status_; }     // kRefused: to be answered
  bool begun() const { return size_ != 0; }  // more than an empty line was seen
  // Bytes of an empty line before the request, which is passed over (RFC 9112 section 2.2).
  std::size_t skipped() const { return skipped_; }

 private:
  enum class At { kStart, kSkipLf, kRequestLine, kLineStart, kHeader, kLf, kEndLf };
  // The status to refuse the byte with, 0 to go on.
  int take(unsigned char c);
  int take_line_start(unsigned char c);
  std::size_t skip_plain(std::string_view bytes);

  HeadLimits limits_;
  At at_ = At::kStart;
  std::size_t size_ = 0;
  std::size_t lines_ = 0;
  std::size_t skipped_ = 0;
  int status_ = 0;
};

}  // namespace gw::http
