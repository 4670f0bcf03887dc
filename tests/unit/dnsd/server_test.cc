#include "dnsd/server.h"

#include <catch2/catch.hpp>

#include "dns/name.h"
#include "dns/types.h"
#include "os/file.h"
#include "os/thread.h"
#include "support/dnsd/loopback_sockets.h"
#include "support/dnsd/served_apex.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

struct ServerLab {
  TempDir dir;
  Logger log{LogLevel::kError, [](std::string_view) {}};
  const Clock& clock = system_clock();
  os::Stop stop;
  ReloadRequest reload;

  // A zone of the apex's name and its key.
  FileZoneOptions zone(const std::string& name, const std::string& more = "") {
    const std::string origin = *dns::parse_lower_name(name);
    const std::string key = dir.file(name + ".key");
    if (!os::file_exists(key)) REQUIRE(ZoneKey::create(origin, 15, key, from_unix(1)));
    write(name, 1, more);
    return {origin, dir.file(name), key};
  }
  void write(const std::string& name, int serial, const std::string& more = "") {
    const std::string text =
        "$TTL 60\n@ SOA ns.y. h.y. " + std::to_string(serial) + " 1 1 1 1\n@ NS ns.y.\n" + more;
    REQUIRE(os::write_file_atomic(dir.file(name), text, 0644));
  }
  ServerOptions options(std::vector<FileZoneOptions> files) const {
    ServerOptions o;
    o.files = std::move(files);
    o.listen = {*os::SocketAddress::parse("127.0.0.1:0")};
    o.workers = 2;
    return o;
  }
};

// The SOA's serial number as the server answers it.
std::uint32_t asked_serial(const os::SocketAddress& server) {
  LoopbackClient client(server, SOCK_DGRAM);
  REQUIRE(client.send(apex_query(1, dns::rrtype::kSoa)));
  const std::string answer = client.receive();
  REQUIRE(answer.size() > 40);
  REQUIRE((answer[3] & 15) == 0);
  // Five numbers end the SOA, which ends the answer.
  std::uint32_t serial = 0;
  for (std::size_t i = answer.size() - 20; i < answer.size() - 16; ++i) {
    serial = serial << 8 | static_cast<unsigned char>(answer[i]);
  }
  return serial;
}

TEST_CASE("a server serves its zones from start() on, reloads on request and ends when told") {
  ServerLab lab;
  bool after_bind = false;
  auto server =
      Server::start(lab.options({lab.zone("x.example")}), lab.log, lab.clock, [&]() -> Status {
        after_bind = true;
        return {};
      });
  REQUIRE(server);
  CHECK(after_bind);
  REQUIRE((*server)->addresses().size() == 1);
  const os::SocketAddress at = (*server)->addresses().front();
  CHECK(at.port() != 0);
  CHECK(asked_serial(at) == 1);

  const Json status = (*server)->status();
  CHECK(status["listen"] == Json::array({at.format()}));
  CHECK(status["clock_behind"] == false);
  REQUIRE(status["zones"].size() == 1);
  CHECK(status["zones"][0]["name"] == "x.example.");
  CHECK(status["counters"]["tcp_connections"] == 0);
  CHECK_FALSE(status.contains("log"));

  auto running = os::start_thread([&] { (*server)->run(lab.stop, lab.reload, os::Notifier()); });
  REQUIRE(running);
  lab.write("x.example", 2);
  lab.reload.request();
  for (int i = 0; i < 100'000 && asked_serial(at) == 1; ++i) {
  }
  CHECK(asked_serial(at) == 2);
  lab.stop.request();
  running->join();
  // The workers are gone: what is asked now nobody answers, though the sockets are still ours.
  LoopbackClient late(at, SOCK_DGRAM);
  REQUIRE(late.send(apex_query(1, dns::rrtype::kSoa)));
  CHECK(late.receive(0).empty());
}

TEST_CASE("a start that fails says why and keeps no address") {
  ServerLab lab;
  const auto refused = Server::start(lab.options({lab.zone("x.example")}), lab.log, lab.clock,
                                     [] { return Status(unavailable_error("no follower")); });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "no follower");

  // Somebody else's address, before anything was opened.
  auto first = Server::start(lab.options({lab.zone("x.example")}), lab.log, lab.clock);
  REQUIRE(first);
  ServerOptions same = lab.options({lab.zone("m.example")});
  same.listen.push_back((*first)->addresses().front());
  bool after_bind = false;
  const auto second = Server::start(same, lab.log, lab.clock, [&]() -> Status {
    after_bind = true;
    return {};
  });
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kUsage);
  CHECK_FALSE(after_bind);
  // When that one is gone, the address is free.
  first->reset();
  CHECK(Server::start(same, lab.log, lab.clock));
}

TEST_CASE("a zone inside another is delegated there, or neither is served") {
  ServerLab lab;
  const FileZoneOptions child = lab.zone("x.example");
  const auto lame = Server::start(lab.options({lab.zone("example"), child}), lab.log, lab.clock);
  REQUIRE_FALSE(lame);
  CHECK(lame.error().message.find("x.example") != std::string::npos);
  const auto good =
      Server::start(lab.options({lab.zone("example", "x NS ns.y.\n"), child}), lab.log, lab.clock);
  INFO((good ? "" : good.error().message));
  REQUIRE(good);
  CHECK(asked_serial((*good)->addresses().front()) == 1);
}

TEST_CASE("nothing lies inside the zone of modules") {
  ServerLab lab;
  const FileZoneOptions file = lab.zone("x.example");
  const FileZoneOptions parent = lab.zone("example");
  ServerOptions options = lab.options({file});
  ModuleOptions modules;
  modules.db = lab.dir.file("db");
  modules.key_file = parent.key_file;
  modules.zone.origin = parent.origin;
  options.modules = modules;
  const auto refused = Server::start(options, lab.log, lab.clock);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kUsage);
  CHECK(refused.error().message.find("lies inside the module zone") != std::string::npos);
}

}  // namespace
}  // namespace gw::dnsd
