// The answers that the site's handlers give, and which status an error has. Pure, but for files
// that are opened and pages that are counted.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "buildd/build_path.h"
#include "buildd/queue.h"
#include "http/request.h"
#include "http/response.h"
#include "tlog/log_files.h"

namespace gw::buildd {

// Of a build log, unpacked.
inline constexpr std::size_t kMaxShownLog = std::size_t{32} << 20U;

// Errors with a status of their own; any other has that of its kind (status_of()).
Error refused(std::string message);                               // 403
Error too_many(std::chrono::seconds wait);                        // 429
Error unprocessable(std::string message, std::string hint = {});  // 422

// A module, version or package that does not exist: no page is missing, the question is wrong
// (422).
Error as_client_error(Error error);
int status_of(const Error& error);
// Of the log's files, which know no 422.
int status_of_file(const Error& error);
std::optional<std::chrono::seconds> retry_after(const Error& error);

// All of that name, in any case.
std::vector<std::string_view> headers_of(const http::Request& request, std::string_view name);
bool wants_html(const http::Request& request);
http::Response text_error(int status, const Error& error);
http::Response text_page(std::string text);
http::Response json_text(std::string line);  // of one document
// 307 unless it says otherwise; no caching.
http::Response redirect_to(const std::string& path, int status = 307);
http::Response ended_badly(const BuildUpdate& update);

http::Response event_stream();
// {"Kind":"QueuePosition","QueuePosition":3}
std::string event_data(const BuildUpdate& update);

http::Response log_response(const tlog::LogFile& file);
// `path` of the file, `name` for the reader.
http::Response binary_response(const http::Request& request, const std::string& path,
                               const std::string& name, const Hash& sha256);

// gobuild's addresses of old: /m/MOD, /b/KEY, /r/KEY/SUM/.
std::optional<std::string> old_address(std::string_view path);
// The page of a path that was resolved: a file's name has the version in it. `asked`: the binary's
// name before. Nothing: there is no such page. Precondition: the key is the resolved one.
std::optional<std::string> resolved_page(const BuildPath& path, const std::string& asked);

void count_page(int status);

}  // namespace gw::buildd
