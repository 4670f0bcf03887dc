// DNS over TCP for one worker (RFC 7766, RFC 9210).
//
// A connection may send many queries without waiting; their answers go out together, in the order
// of the queries, but no more than kTurn before others have their turn: UDP's clients, which are
// answered by the same thread, must not wait for what one connection has in its pipeline. What a
// client can hold on to is bounded: connections in total and for each network (ConnectionCounts),
// one message's worth of unread bytes, no more reading while its answers wait to be taken, and
// time: one limit from the connection's beginning or its last complete query, not its last byte,
// on, and a short one for a message that has begun and for answers that are not taken. A query that
// needs a signature beyond the budget waits in its connection.
//
// Costs: about 400 bytes for an idle connection; a query costs one recv and one send at most, fewer
// when they come together. Belongs to one worker; ConnectionCounts is shared.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "dnsd/connection_counts.h"
#include "dnsd/epoll_tag.h"
#include "dnsd/query_handler.h"
#include "os/address.h"
#include "os/file.h"

namespace gw::dnsd {

class TcpConnections {
 public:
  // Registers the listeners with `epoll`, under tags of TCP's kinds. `listeners` are not owned.
  TcpConnections(int epoll, std::vector<int> listeners, ConnectionCounts& counts,
                 QueryHandler& handler, const Clock& clock);
  ~TcpConnections();
  TcpConnections(const TcpConnections&) = delete;
  TcpConnections& operator=(const TcpConnections&) = delete;

  // An event with a tag of TCP's kinds.
  void on_event(EpollTag tag, std::uint32_t events);
  // Does what is due, and says in how many milliseconds to be called again; -1: no need.
  int tick();
  // So many answers at most come of one event and of one take_turn().
  static constexpr unsigned kTurn = 16;
  // How many connections have queries that were read and wait for their turn; tick() does not wait
  // while there are any.
  std::size_t waiting() const { return ready_.size(); }
  // Goes on with the one that has waited longest.
  void take_turn();
  // The answers made since the last call: how long UDP's clients have been waiting.
  unsigned take_answered() { return std::exchange(answered_, 0); }
  // Takes no more connections, answers what has arrived, and closes what has nothing left to send;
  // returns how many connections still have.
  std::size_t drain();

 private:
  struct Connection;
  enum class Flow { kGoOn, kWait, kClosed };

  void accept(std::size_t listener);
  void pause_accepting(Duration pause);
  void watch_listeners(int operation, std::uint32_t events);
  void take_in(os::Fd fd, const os::SocketAddress& peer);
  void close(Connection& c);
  void defer(Connection& c);
  void undefer(Connection& c);
  void wait_for_turn(Connection& c);
  void no_more_turns(Connection& c);
  void on_readable(Connection& c);
  Flow read_some(Connection& c);
  std::size_t answer_messages(Connection& c, std::string_view data);
  bool flush(Connection& c);
  bool write_pending(Connection& c);
  void watch(Connection& c, std::uint32_t events);
  void resume(Connection& c);
  bool answer_kept(Connection& c);
  void settle(Connection& c);
  void watch_progress(Connection& c, bool moved);
  void close_stuck(MonoTime now);
  void touch(Connection& c);
  void unlink(Connection& c);

  const int epoll_;
  std::vector<int> listeners_;
  ConnectionCounts& counts_;
  QueryHandler& handler_;
  const Clock& clock_;

  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::uint32_t> free_;  // indices without a connection
  Connection* oldest_ = nullptr;     // a list in the order of the last complete query
  Connection* newest_ = nullptr;
  std::vector<Connection*> deferred_;  // over the signing budget; each once
  std::deque<Connection*> ready_;      // wait for their turn; each once
  // When a connection that is in the middle of a message or an answer is given up, in this order;
  // entries of those that went on since are passed over.
  struct Stuck {
    MonoTime since;
    EpollTag tag;
  };
  std::deque<Stuck> stuck_;
  unsigned answered_ = 0;
  bool accepting_ = true;
  bool draining_ = false;
  MonoTime resume_accepting_{};
  std::string in_;   // scratch for reading: what is left of a message, and one read
  std::string out_;  // answers on their way out, of one connection at a time
  std::size_t out_size_ = 0;
};

}  // namespace gw::dnsd
