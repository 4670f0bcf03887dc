// The order of the calls matters to libunbound: asynchronous mode, options and anchors come before
// the addresses, and ub_ctx_zone_remove comes last because it finalises the context (which is also
// where a bad anchor would show).
//
// A bogus answer is believed only when the DNSKEY at the trust anchor above its name is secure
// through the same resolver. Otherwise nothing that this resolver says can be validated, and the
// bogus questions are asked again by full recursion. If that does no better the answers stay bogus:
// an attacker who forges everything must not turn "verification failed" into "try again later".
// Only a resolver that gives no signature for the anchor's DNSKEY, such as a captive portal, or
// answers SERVFAIL where the chain of trust needs a key or a DS record, and where nobody else
// answers, is out of order and no more: an attacker who has that much could as well be silent.
//
// After a batch with questions that were not answered in time the context is made anew: it goes on
// with them, and would hold the resolver for dead because of them.
#include "net/resolver.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <poll.h>
#include <unbound.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/dnssec.h"
#include "dns/presentation.h"
#include "net/resolver_anchors.h"
#include "net/resolver_probe.h"
#include "os/address.h"
#include "os/file.h"

namespace gw::net {
namespace {

constexpr int kRcodeNoError = static_cast<int>(dns::Rcode::kNoError);
constexpr int kRcodeNxdomain = static_cast<int>(dns::Rcode::kNxDomain);
// libunbound serves 1,024 questions at a time; more would be dropped.
constexpr std::size_t kMaxInFlight = 256;
// The library's 16 sockets would let a batch of fifty wait for three round trips instead of one.
constexpr const char* kOutgoingPorts = "128";

struct CtxDelete {
  void operator()(ub_ctx* ctx) const { ub_ctx_delete(ctx); }
};
using Ctx = std::unique_ptr<ub_ctx, CtxDelete>;

struct ResultFree {
  void operator()(ub_result* r) const { ub_resolve_free(r); }
};
using UbResult = std::unique_ptr<ub_result, ResultFree>;

constexpr int kRcodeServfail = static_cast<int>(dns::Rcode::kServFail);

// An answer with an rcode that is no answer.
struct RcodeDetail : ErrorDetail {
  explicit RcodeDetail(int code) : rcode(code) {}
  const int rcode;
};

const RcodeDetail* rcode_detail(const Result<DnsAnswer>& answer) {
  return answer ? nullptr : dynamic_cast<const RcodeDetail*>(answer.error().detail.get());
}

// A name goes to libunbound as a C string: a NUL would cut it short.
bool is_printable(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_visible);
}

std::string describe(const Question& q) {
  return fmt::format("{} {}", is_printable(q.name) ? q.name : quoted(q.name),
                     dns::format_type(q.type));
}

// Lower case with the final dot, so that the same question is the same key.
std::string normalised(std::string_view name) {
  std::string out = to_lower(name);
  if (!out.ends_with('.')) out += '.';
  return out;
}

Error call_error(std::string_view call, int err) {
  std::string message = fmt::format("libunbound: {}: {}", call, ub_strerror(err));
  return err == UB_NOMEM ? unavailable_error(std::move(message))
                         : internal_error(std::move(message));
}

enum class Via { kResolver, kRecursion };

// In milliseconds. The library's own first wait is 376 ms.
std::int64_t first_wait(const ResolverOptions& options) {
  const auto servers = static_cast<std::int64_t>(resolver_addresses(options).size());
  const auto all = std::chrono::duration_cast<std::chrono::milliseconds>(options.patience).count();
  return std::max<std::int64_t>(376, all / std::max<std::int64_t>(1, servers));
}

// Whom the context asks.
Status set_servers(ub_ctx* ctx, const ResolverOptions& options) {
  auto forward_to = [ctx](const std::string& address) -> Status {
    const int err = ub_ctx_set_fwd(ctx, address.c_str());
    return err == 0 ? Status() : call_error("forward", err);
  };
  if (options.resolver.empty()) {
    if (ub_ctx_resolvconf(ctx, options.resolv_conf.c_str()) == 0) return {};
    // No such file: what the system's own resolver does then.
    return forward_to("127.0.0.1");
  }
  if (options.resolver.find('%') != std::string::npos) return forward_to(options.resolver);
  GW_TRY(const auto address, os::SocketAddress::parse(options.resolver, 53));
  return forward_to(fmt::format("{}@{}", address.format_ip(), address.port()));
}

Status configure(ub_ctx* ctx, const ResolverOptions& options,
                 const std::vector<TrustAnchor>& anchors, Via via) {
  auto set = [ctx](const char* name, const char* value) -> Status {
    if (const int err = ub_ctx_set_option(ctx, name, value); err != 0) return call_error(name, err);
    return {};
  };
  if (const int err = ub_ctx_async(ctx, 1); err != 0) return call_error("async", err);
  ub_ctx_debugout(ctx, nullptr);                    // the library does not print
  event_set_log_callback([](int, const char*) {});  // nor what it waits with
  GW_CHECK(set("do-not-query-localhost:", "no"));
  GW_CHECK(set("trust-anchor-signaling:", "no"));
  GW_CHECK(set("outgoing-range:", kOutgoingPorts));
  if (options.validate) {
    for (const auto& a : anchors) {
      if (const int err = ub_ctx_add_ta(ctx, a.record.c_str()); err != 0) {
        return call_error("trust anchor", err);
      }
    }
  } else {
    GW_CHECK(set("module-config:", "iterator"));
  }
  if (via == Via::kResolver) {
    const std::string wait = std::to_string(first_wait(options));
    GW_CHECK(set("unknown-server-time-limit:", wait.c_str()));
    GW_CHECK(set("infra-cache-min-rtt:", wait.c_str()));
    GW_CHECK(set_servers(ctx, options));
  } else if (!options.root_hints_file.empty()) {
    GW_CHECK(set("root-hints:", options.root_hints_file.c_str()));
  }
  // test. would be answered by the library itself, as a built-in empty zone.
  if (const int err = ub_ctx_zone_remove(ctx, "test."); err != 0) return call_error("start", err);
  return {};
}

Result<Ctx> make_context(const ResolverOptions& options, const std::vector<TrustAnchor>& anchors,
                         Via via) {
  if (Status means = check_means(); !means) return std::move(means).error().in("DNS lookups");
  Ctx ctx(ub_ctx_create());
  // It says no more: memory, random numbers, or descriptors for its pipes.
  if (!ctx) return unavailable_error(errno_error("libunbound: no context", errno).message);
  GW_CHECK(configure(ctx.get(), options, anchors, via));
  return ctx;
}

// One question in flight. Its address is the callback's argument, so it must not move until it is
// done or cancelled.
struct Slot {
  const Question* question = nullptr;
  int id = -1;
  bool done = false;
  int err = 0;
  UbResult result;
};

void on_answer(void* arg, int err, ub_result* result) {
  auto* slot = static_cast<Slot*>(arg);
  slot->done = true;
  slot->err = err;
  slot->result.reset(result);
}

// Waits until libunbound has something to say; false at the deadline.
bool wait_readable(int fd, MonoTime deadline, const Clock& clock) {
  for (;;) {
    const auto left = deadline - clock.mono();
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (ms <= 0) return false;
    pollfd p{fd, POLLIN, 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(ms, 60'000)));
    if (n > 0) return true;
  }
}

// Asks all questions; slots that are not done at the end ran into the deadline.
std::vector<Slot> ask(ub_ctx* ctx, std::span<const Question* const> questions, MonoTime deadline) {
  const Clock& clock = system_clock();
  std::vector<Slot> slots(questions.size());
  std::size_t started = 0;
  std::size_t finished = 0;
  auto start_some = [&] {
    while (started < slots.size() && started - finished < kMaxInFlight) {
      Slot& s = slots[started];
      s.question = questions[started];
      ++started;
      if (!is_printable(s.question->name)) {
        s.err = UB_SYNTAX;
        s.done = true;
        ++finished;
        continue;
      }
      s.err = ub_resolve_async(ctx, s.question->name.c_str(), s.question->type, dns::rrclass::kIn,
                               &s, on_answer, &s.id);
      if (s.err != 0) {
        s.done = true;
        s.id = -1;
        ++finished;
      }
    }
  };
  // What is started in vain costs memory until the library has given it up.
  if (clock.mono() >= deadline) return slots;
  for (start_some(); finished < slots.size(); start_some()) {
    if (!wait_readable(ub_fd(ctx), deadline, clock)) break;
    if (ub_process(ctx) != 0) break;
    finished = static_cast<std::size_t>(
        std::count_if(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(started),
                      [](const Slot& s) { return s.done; }));
  }
  for (const Slot& s : slots) {
    if (!s.done && s.id >= 0) ub_cancel(ctx, s.id);  // no callback may find a dead slot
  }
  return slots;
}

// libunbound's reason holds names from the network.
std::string escaped(std::string_view text) {
  const std::string out = quoted(text, 500);
  return out.size() >= 2 ? out.substr(1, out.size() - 2) : out;
}

std::string_view packet_of(const ub_result& r) {
  if (r.answer_packet == nullptr || r.answer_len <= 0) return {};
  return {static_cast<const char*>(r.answer_packet), static_cast<std::size_t>(r.answer_len)};
}

DnsAnswer to_answer(const ub_result& r, bool validate, bool with_packet) {
  DnsAnswer answer;
  answer.nxdomain = r.nxdomain != 0 || r.rcode == kRcodeNxdomain;
  for (int i = 0; r.data != nullptr && r.data[i] != nullptr; ++i) {
    answer.data.emplace_back(r.data[i], static_cast<std::size_t>(r.len[i]));
  }
  if (r.canonname != nullptr) answer.canonical_name = r.canonname;
  if (with_packet) answer.packet = packet_of(r);
  if (r.bogus != 0) {
    answer.security = DnsSecurity::kBogus;
    answer.why_bogus =
        r.why_bogus != nullptr ? escaped(r.why_bogus) : "the signatures do not verify";
    return answer;
  }
  answer.ttl = std::chrono::seconds(std::max(r.ttl, 0));
  if (!validate) {
    answer.security = DnsSecurity::kUnchecked;
  } else {
    answer.security = r.secure != 0 ? DnsSecurity::kSecure : DnsSecurity::kInsecure;
  }
  return answer;
}

// The order of these tests is the point: a bogus result carries data and rcode 0 too.
Result<DnsAnswer> classify(const Slot& slot, bool validate) {
  const Question& q = *slot.question;
  if (!slot.done) return unavailable_error(describe(q) + ": no answer in time");
  if (slot.err == UB_SYNTAX) return usage_error(describe(q) + ": not a domain name");
  if (slot.err != 0 || !slot.result) return call_error(describe(q), slot.err);
  const ub_result& r = *slot.result;
  if (r.bogus == 0 && r.rcode != kRcodeNoError && r.rcode != kRcodeNxdomain) {
    Error error = unavailable_error(
        fmt::format("{}: the resolver answers {}", describe(q), rcode_text(r.rcode)));
    error.detail = std::make_shared<RcodeDetail>(r.rcode);
    return error;
  }
  return to_answer(r, validate, q.with_packet);
}

bool is_bogus(const Result<DnsAnswer>& r) {
  return r.has_value() && r->security == DnsSecurity::kBogus;
}

}  // namespace

Status check_resolver_address(std::string_view text) {
  const auto address = os::SocketAddress::parse(text, 53);
  if (address && address->port() != 0) return {};
  return usage_error("bad resolver address " + quoted(text),
                     "give an IP address, with @PORT if it is not port 53");
}

std::string_view dns_security_name(DnsSecurity security) {
  switch (security) {
    case DnsSecurity::kSecure:
      return "secure";
    case DnsSecurity::kInsecure:
      return "insecure";
    case DnsSecurity::kBogus:
      return "bogus";
    case DnsSecurity::kUnchecked:
      return "unchecked";
  }
  return "unknown";
}

struct Resolver::Impl {
  ResolverOptions options;
  std::vector<TrustAnchor> anchors;
  Ctx forward;
  Ctx recursion;
  // What the DNSKEY at an anchor is through `forward`, by its owner.
  enum class AnchorKey { kSecure, kUnsigned, kNoAnswer, kFails };
  std::map<std::string, AnchorKey> anchor_keys;
  // What keeps the resolver from giving the DS or DNSKEY of a name, by it; "" when nothing does.
  std::map<std::string, std::string> links;

  std::string server() const {
    return options.resolver.empty() ? "of " + options.resolv_conf : options.resolver;
  }

  Result<ub_ctx*> context(Via via) {
    Ctx& ctx = via == Via::kResolver ? forward : recursion;
    if (!ctx) {
      GW_TRY(Ctx made, make_context(options, anchors, via));
      ctx = std::move(made);
    }
    return ctx.get();
  }

  std::vector<Result<DnsAnswer>> run(Via via, std::span<const Question* const> questions,
                                     MonoTime deadline) {
    std::vector<Result<DnsAnswer>> out;
    out.reserve(questions.size());
    auto ctx = context(via);
    if (!ctx) {
      out.assign(questions.size(), ctx.error());
      return out;
    }
    bool late = false;
    for (const Slot& slot : ask(*ctx, questions, deadline)) {
      if (slot.question == nullptr) {  // never started: the deadline came first
        out.push_back(unavailable_error(describe(*questions[out.size()]) + ": no answer in time"));
      } else {
        late = late || !slot.done;
        out.push_back(classify(slot, options.validate));
      }
    }
    if (late && via == Via::kResolver) explain_silence(questions, out);
    if (late) (via == Via::kResolver ? forward : recursion).reset();
    if (via == Via::kResolver) explain(questions, out, deadline);
    return out;
  }

  // Where no answer came in time: is anybody there? libunbound does not notice.
  void explain_silence(std::span<const Question* const> questions,
                       std::vector<Result<DnsAnswer>>& answers) {
    const MonoTime soon = system_clock().mono() + std::chrono::milliseconds(100);
    std::string why;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i] || answers[i].error().kind != ErrorKind::kUnavailable) continue;
      if (rcode_detail(answers[i]) != nullptr) continue;
      if (why.empty()) why = why_unreachable(resolver_addresses(options), *questions[i], soon);
      if (why.empty()) return;
      answers[i].error().message = fmt::format("{}: {}", describe(*questions[i]), why);
    }
  }

  // Says what is behind a SERVFAIL, where the resolver says so itself.
  void explain(std::span<const Question* const> questions, std::vector<Result<DnsAnswer>>& answers,
               MonoTime deadline) {
    constexpr int kMost = 8;  // the others get the last one's reason
    // The rest of the time is needed to find out whether it is the resolver's fault.
    const MonoTime now = system_clock().mono();
    const MonoTime end = std::min(now + std::chrono::seconds(1), now + (deadline - now) / 4);
    std::string why;
    int asked = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const RcodeDetail* detail = rcode_detail(answers[i]);
      if (detail == nullptr || detail->rcode != kRcodeServfail) continue;
      if (asked++ < kMost && system_clock().mono() < end) {
        why = why_no_answer(resolver_addresses(options), *questions[i], end);
      }
      if (!why.empty()) {
        answers[i].error().message = fmt::format("{}: {}", describe(*questions[i]), why);
      }
    }
  }

  AnchorKey probe(const std::string& owner, MonoTime deadline) {
    const Question q{owner, dns::rrtype::kDnskey, true};
    const Question* const one[] = {&q};
    const auto answer = std::move(run(Via::kResolver, one, deadline)[0]);
    if (!answer) return rcode_detail(answer) ? AnchorKey::kNoAnswer : AnchorKey::kFails;
    if (answer->security == DnsSecurity::kSecure) return AnchorKey::kSecure;
    return dns::has_signatures(answer->packet) ? AnchorKey::kFails : AnchorKey::kUnsigned;
  }

  // Of the anchor above `name`.
  AnchorKey anchor_key(const std::string& name, MonoTime deadline) {
    const std::string* owner = find_anchor_owner(anchors, normalised(name));
    if (owner == nullptr) return AnchorKey::kSecure;
    const auto known = anchor_keys.find(*owner);
    if (known != anchor_keys.end()) return known->second;
    return anchor_keys.emplace(*owner, probe(*owner, deadline)).first->second;
  }
  std::string missing_link(const std::string& name, MonoTime deadline);
  void recurse(std::span<const Question* const> questions, std::vector<Result<DnsAnswer>>& answers,
               MonoTime deadline);
  Result<DnsAnswer> give_up(const Question& question, DnsAnswer bogus, std::string_view recursion,
                            MonoTime deadline);
};

// Between the anchor and `name`: the DS or DNSKEY for which the resolver has an error in place of
// an answer, so that validation had to fail. "" when there is none.
std::string Resolver::Impl::missing_link(const std::string& name, MonoTime deadline) {
  constexpr std::size_t kMost = 6;  // names, from the anchor down: zones are near the top
  const std::string full = normalised(name);
  const std::string* anchor = find_anchor_owner(anchors, full);
  if (anchor == nullptr) return "";
  std::vector<std::string> owners;  // from the bottom up, without the name itself
  for (std::size_t dot = full.find('.'); dot + 1 < full.size(); dot = full.find('.', dot + 1)) {
    std::string owner = full.substr(dot + 1);
    if (owner.size() <= anchor->size() && *anchor != ".") break;
    owners.push_back(std::move(owner));
  }
  if (owners.size() > kMost) owners.erase(owners.begin(), owners.end() - kMost);
  std::vector<Question> questions;
  for (const std::string& owner : owners) {
    if (links.contains(owner)) continue;
    questions.push_back({owner, dns::rrtype::kDs});
    questions.push_back({owner, dns::rrtype::kDnskey});
  }
  std::vector<const Question*> pointers;
  pointers.reserve(questions.size());
  for (const Question& q : questions) pointers.push_back(&q);
  if (!pointers.empty()) {
    const auto answers = run(Via::kResolver, pointers, deadline);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      std::string& link = links[questions[i].name];
      if (rcode_detail(answers[i]) != nullptr) link = answers[i].error().message;
    }
  }
  for (const std::string& owner : owners) {
    if (!links[owner].empty()) return links[owner];
  }
  return "";
}

// Asks again, from the root, what is bogus because the resolver cannot carry DNSSEC at all.
void Resolver::Impl::recurse(std::span<const Question* const> questions,
                             std::vector<Result<DnsAnswer>>& answers, MonoTime deadline) {
  std::vector<const Question*> again;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (!is_bogus(answers[i])) continue;
    if (anchor_key(questions[i]->name, deadline) == AnchorKey::kSecure) {
      const std::string missing = missing_link(questions[i]->name, deadline);
      if (!missing.empty()) {
        answers[i] = unavailable_error(
            fmt::format("{}: cannot be validated: {}", describe(*questions[i]), missing));
      }
    } else if (options.recurse) {
      again.push_back(questions[i]);
      where.push_back(i);
    } else {
      answers[i] = give_up(*questions[i], *std::move(answers[i]), "", deadline);
    }
  }
  if (again.empty()) return;
  auto found = run(Via::kRecursion, again, deadline);
  for (std::size_t k = 0; k < again.size(); ++k) {
    auto& answer = answers[where[k]];
    if (found[k] && !is_bogus(found[k])) {
      found[k]->recursed = true;
      answer = std::move(found[k]);
    } else if (found[k]) {
      answer->why_bogus += fmt::format(
          "; no DNSKEY that verifies at its trust anchor comes through the resolver {}, and full "
          "recursion does not help: {}",
          server(), found[k]->why_bogus);
    } else {
      answer = give_up(*again[k], *std::move(answer), found[k].error().message, deadline);
    }
  }
}

// What a bogus answer is when the anchor's own key does not come either. recursion: why that does
// not help, "" when it was not tried.
Result<DnsAnswer> Resolver::Impl::give_up(const Question& question, DnsAnswer bogus,
                                          std::string_view recursion, MonoTime deadline) {
  const AnchorKey key = anchor_key(question.name, deadline);
  const std::string* owner = find_anchor_owner(anchors, normalised(question.name));
  if (key == AnchorKey::kFails) {
    bogus.why_bogus += fmt::format(
        "; no DNSKEY that verifies at the trust anchor {} comes through the resolver {}", *owner,
        server());
    if (!recursion.empty()) {
      bogus.why_bogus += fmt::format(", and full recursion does not help: {}", recursion);
    }
    return bogus;
  }
  std::string message = fmt::format("{}: the resolver {} {}", describe(question), server(),
                                    key == AnchorKey::kUnsigned
                                        ? "answers without DNSSEC signatures"
                                        : fmt::format("does not give the DNSKEY of {}", *owner));
  if (!recursion.empty()) message += ", and the root servers cannot be asked instead";
  return unavailable_error(
      std::move(message),
      recursion.empty()
          ? "is it a captive portal, or too old? name another one with --resolver, or "
            "let the root be asked past it with --recurse"
          : "is it a captive portal, or too old? name another one with --resolver");
}

Resolver::Resolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;
Resolver::~Resolver() = default;

Result<Resolver> Resolver::create(ResolverOptions options) {
  auto impl = std::make_unique<Impl>();
  if (!options.resolver.empty()) GW_CHECK(check_resolver_address(options.resolver));
  if (options.trust_anchor_file.empty()) {
    impl->anchors = builtin_trust_anchors();
  } else {
    GW_TRY(impl->anchors, load_trust_anchors(options.trust_anchor_file));
  }
  if (!options.root_hints_file.empty() && !os::file_exists(options.root_hints_file)) {
    return usage_error(options.root_hints_file + ": no such file");
  }
  impl->options = std::move(options);
  return Resolver(std::move(impl));
}

Status Resolver::check_anchor(std::string_view name) const {
  const std::string absolute = normalised(name);
  if (find_anchor_owner(impl_->anchors, absolute) != nullptr) return {};
  return usage_error("no trust anchor covers " + absolute.substr(0, absolute.size() - 1),
                     "nothing there could be validated: name its zone's own key, or one above, "
                     "with --trust-anchor");
}

std::vector<Result<DnsAnswer>> Resolver::lookup(std::span<const Question> questions,
                                                MonoTime deadline) {
  std::map<std::pair<std::string, std::uint16_t>, std::size_t> index;
  std::vector<const Question*> distinct;
  std::vector<std::size_t> which;
  which.reserve(questions.size());
  constexpr std::size_t kNotSent = static_cast<std::size_t>(-1);
  const bool need_anchor = impl_->options.validate && impl_->options.need_anchor;
  for (const Question& q : questions) {
    if (need_anchor && !check_anchor(q.name)) {
      which.push_back(kNotSent);
      continue;
    }
    const auto [it, added] = index.emplace(std::pair(normalised(q.name), q.type), distinct.size());
    if (added) distinct.push_back(&q);
    which.push_back(it->second);
  }
  auto answers = impl_->run(Via::kResolver, distinct, deadline);
  if (std::any_of(answers.begin(), answers.end(), is_bogus)) {
    impl_->recurse(distinct, answers, deadline);
  }
  std::vector<Result<DnsAnswer>> out;
  out.reserve(questions.size());
  for (std::size_t k = 0; k < questions.size(); ++k) {
    if (which[k] == kNotSent) {
      out.push_back(check_anchor(questions[k].name).error());
    } else {
      out.push_back(answers[which[k]]);
    }
  }
  return out;
}

Result<DnsAnswer> Resolver::lookup_one(const Question& question, MonoTime deadline) {
  return std::move(lookup({&question, 1}, deadline)[0]);
}

Result<std::string> join_txt(std::string_view rdata) {
  if (rdata.empty()) return corrupt_error("a TXT record without a character-string");
  std::string out;
  ByteReader reader(rdata);
  while (!reader.empty()) {
    const auto length = reader.u8();
    const auto text = reader.bytes(*length);
    if (!text) return corrupt_error("a character-string runs past the end of its TXT record");
    out += *text;
  }
  return out;
}

}  // namespace gw::net
