// A service's own log, read from its database: as a source, for what reads any log's files.
#pragma once

#include <string>
#include <vector>

#include "tlog/log_files.h"
#include "tlog/source.h"

namespace gw::buildd {

class LocalLog : public tlog::TileSource {
 public:
  // `files` must outlive it.
  LocalLog(const tlog::LogFiles& files, std::string name) : files_(files), name_(std::move(name)) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    std::vector<Result<std::string>> out;
    out.reserve(requests.size());
    for (const tlog::FetchRequest& request : requests) {
      auto file = files_.read(request.path);
      if (file) {
        out.emplace_back(std::move(file->body));
      } else {
        out.emplace_back(std::move(file).error());
      }
    }
    return out;
  }
  std::string describe() const override { return name_; }

 private:
  const tlog::LogFiles& files_;
  const std::string name_;
};

}  // namespace gw::buildd
