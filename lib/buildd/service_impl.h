// What a service is made of: for its own sources only.
//
// service.cc makes the parts, runs them and takes them down; service_background.cc has what is done
// beside the answers, each of it on a thread of its own until the stop is requested.
#pragma once

#include <memory>
#include <optional>

#include "base/mutex.h"
#include "buildd/feed.h"
#include "buildd/notes.h"
#include "buildd/published_head.h"
#include "buildd/service.h"
#include "os/file.h"

namespace gw::buildd {

// In the order in which they are made; taken down in the opposite one.
struct Service::Impl {
  Impl(ServiceOptions o, ServiceParts p)
      : options(std::move(o)),
        parts(std::move(p)),
        head(parts.signer, options.published_file),
        claims(options.verifier_keys, parts.clock),
        notes(options.data + "/notes", options.notes),
        gate(options.data + "/toolchains",
             gate_build({parts.cache, options.maker.sandbox, options.maker.limits,
                         options.maker.groups, parts.stop}),
             parts.clock, parts.log),
        toolchains(parts.toolchains, options.go_versions, parts.clock,
                   options.gate ? &gate : nullptr),
        catalog(parts.modules, parts.clock) {}
  Status open();
  void hide_paths();
  Status listen();
  void set_gauges() const;
  void tidy();
  void rebuild_samples();
  void try_toolchains();
  void follow_other();
  void ask_witnesses();
  void audit();

  ServiceOptions options;
  ServiceParts parts;
  std::optional<os::LockFile> lock;
  PublishedHead head;
  Claims claims;
  std::unique_ptr<Ledger> ledger;
  std::optional<BinaryStore> binaries;
  std::unique_ptr<tlog::LogWriter> log;
  std::unique_ptr<tlog::LogFiles> files;
  std::unique_ptr<SumLog> sum_log;
  std::unique_ptr<Feed> feed;
  Notes notes;
  ToolchainGate gate;
  Toolchains toolchains;
  // Builds beside those of the queue take turns: each needs a user of its own.
  Mutex beside;
  Catalog catalog;
  std::unique_ptr<Maker> maker;
  std::unique_ptr<BuildQueue> queue;
  std::optional<Vulnerabilities> vulnerabilities;
  std::unique_ptr<Site> site;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<http::Server> admin;
};

}  // namespace gw::buildd
