// What a supervisor gives back when nothing happens.
#include <utility>

#include "os/pages.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::chrono::minutes kSettled{1};  // a service that was ready by now has said so

}  // namespace

// Between two events there may be a day, and there are as many of us as there are services: what an
// update or a start took is not kept.
void Supervisor::rest_soon() {
  loop_->when_idle([this] { rest(); });
}

void Supervisor::rest() {
  using update::State;
  // A helper may wait for minutes; what comes after a fetch has to be quick.
  if (now_ != State::kRunning && now_ != State::kFetching) return;
  if (now_ == State::kRunning && !check_ && !fetch_) {
    // An assignment would keep the room that there was for more.
    for (FrameReader* frames : {&check_frames_, &fetch_frames_}) {
      FrameReader empty;
      std::swap(*frames, empty);
    }
    discovered_.reset();
    build_.reset();
    keep_tables();
  }
  os::give_back_memory();
}

// Once. A disk may take its time, and the loop waits for it: not while a manager waits for the
// service's word that it is ready, which we pass on. One that was taken over has said it.
void Supervisor::keep_tables() {
  const bool settled = !relay_ || ready_said_ || handover_ || clock_.mono() - began_ >= kSettled;
  if (!settled || std::exchange(tables_tried_, true)) return;
  if (auto kept = os::keep_tables_in(directory_); !kept) {
    log_.debug("tables-in-memory", {{"why", kept.error().message}});
  }
}

}  // namespace gw::supervise
