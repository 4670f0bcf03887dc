// Modules that nobody outside is to hear of: which they are, where they come from, and who vouches
// for what they are.
//
// Problem: the public proxies and the public checksum database learn the name of whatever they are
// asked about, and know nothing of such a module. The go command then fetches it from its
// repository and checks it against nothing. Here a private module is asked for at the proxies for
// private modules alone, and its sums are those of a checksum database for private modules. Where
// there is none, it is refused, unless it was said that it may be taken as it comes: then it must
// have the sums that it had when it was first seen here, and that nobody vouches for it is told
// with the result.
//
// The Go toolchain is never private, whatever the patterns match.
//
// What is borrowed must outlive the borrower. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "build/proxy_client.h"
#include "build/sums.h"
#include "module/proxy.h"

namespace gw::build {

struct PrivateRules {
  std::string modules = {};     // patterns as in GOPRIVATE
  std::string first_seen = {};  // those of them that no checksum database needs to know

  bool is_private(std::string_view module) const;
  // Whether it is private, and may be taken as it comes.
  bool is_first_seen(std::string_view module) const;
};

// With the error of a private module that is refused here, whatever the proxies have: what it takes
// was not said.
struct PrivateRefusal : ErrorDetail {};

// Each question to those who may hear it.
class PrivateProxies final : public ProxyFiles {
 public:
  // `private_proxy`: may be null; private modules then are refused (kUsage, PrivateRefusal).
  PrivateProxies(const PrivateRules& rules, ProxyFiles& public_proxy, ProxyFiles* private_proxy)
      : rules_(rules), public_(public_proxy), private_(private_proxy) {}
  Result<std::string> fetch(const mod::ProxyRequest& request) override;

 private:
  const PrivateRules& rules_;
  ProxyFiles& public_;
  ProxyFiles* const private_;
};

// The sums that a module had when it was first seen: nobody vouches for them.
class FirstSeenSums final : public SumSource {
 public:
  // `directory` exists.
  FirstSeenSums(std::string directory, ProxyFiles& proxy)
      : directory_(std::move(directory)), proxy_(proxy) {}
  // Fetches what was never seen. Errors as ProxyFiles; kUntrusted: its zip is none.
  Result<std::string> zip_sum(const std::string& module, const std::string& version) override;
  Result<std::string> gomod_sum(const std::string& module, const std::string& version) override;
  SumRemark remark(const std::string& module) const override;
  // What was never seen is seen now: those bytes, and no others that a proxy has a moment later.
  Status offer(const mod::ProxyRequest& request, const mod::ByteSource& bytes) override;

 private:
  Result<std::string> find(const mod::ProxyRequest& request);
  Result<std::string> see(const mod::ProxyRequest& request, const mod::ByteSource& bytes);

  const std::string directory_;
  ProxyFiles& proxy_;
};

// Each question to those who may hear it.
class PrivateSums final : public SumSource {
 public:
  struct Sources {
    SumSource& public_log;
    SumSource* private_log;  // may be null; what is not first_seen then is refused
    std::string private_log_name;
    SumSource& first_seen;
  };
  PrivateSums(const PrivateRules& rules, Sources sources)
      : rules_(rules), sources_(std::move(sources)) {}
  Result<std::string> zip_sum(const std::string& module, const std::string& version) override;
  Result<std::string> gomod_sum(const std::string& module, const std::string& version) override;
  SumRemark remark(const std::string& module) const override;
  Status offer(const mod::ProxyRequest& request, const mod::ByteSource& bytes) override;

 private:
  Result<SumSource*> source_for(const std::string& module) const;

  const PrivateRules& rules_;
  const Sources sources_;
};

}  // namespace gw::build
