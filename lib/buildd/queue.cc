#include "buildd/queue.h"

#include <algorithm>

namespace gw::buildd {

BuildUpdate stopping_update() {
  BuildUpdate out;
  out.kind = BuildUpdate::Kind::kTempFailed;
  out.error = "the service is being stopped";
  out.stopping = true;
  return out;
}

Status BuildQueue::start(unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) {
    GW_TRY(os::Thread thread, os::start_thread([this] { run(); }));
    threads_.push_back(std::move(thread));
  }
  return {};
}

BuildQueue::~BuildQueue() {
  close();
  {
    const MutexLock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  for (os::Thread& thread : threads_) thread.join();
}

void BuildQueue::tell(Job& job) {
  std::erase_if(job.watchers, [&](const Watcher& watcher) { return !watcher(job.state); });
}

Status BuildQueue::submit(const build::Key& key, Watcher watcher) {
  const std::string name = build::format_key(key);
  const MutexLock lock(mutex_);
  if (closed_) return unavailable_error(stopping_update().error, "try again in a minute");
  auto found = jobs_.find(name);
  if (found == jobs_.end()) {
    if (queue_.size() >= max_waiting_) {
      return unavailable_error("too many builds wait already", "try again in a few minutes");
    }
    auto job = std::make_shared<Job>();
    job->key = key;
    job->name = name;
    queue_.push_back(job);
    job->state.position = queue_.size();
    found = jobs_.emplace(name, std::move(job)).first;
    changed_.notify_one();
  }
  if (watcher && watcher(found->second->state)) {
    found->second->watchers.push_back(std::move(watcher));
  }
  return {};
}

std::optional<BuildUpdate> BuildQueue::find(const std::string& key) const {
  const MutexLock lock(mutex_);
  const auto found = jobs_.find(key);
  if (found == jobs_.end()) return std::nullopt;
  return found->second->state;
}

void BuildQueue::renumber() {
  std::size_t position = 1;
  for (const auto& job : queue_) {
    job->state.position = position;
    tell(*job);
    ++position;
  }
}

void BuildQueue::finish(const std::shared_ptr<Job>& job, BuildUpdate end) {
  job->state = std::move(end);
  tell(*job);
  jobs_.erase(job->name);
  if (jobs_.empty()) changed_.notify_all();
}

void BuildQueue::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  while (!queue_.empty()) {
    const auto job = queue_.front();
    queue_.pop_front();
    finish(job, stopping_update());
  }
}

bool BuildQueue::wait_idle(Duration patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  const MutexLock lock(mutex_);
  while (!jobs_.empty()) {
    if (!changed_.wait_until(mutex_, end)) return jobs_.empty();
  }
  return true;
}

void BuildQueue::run() {
  const MutexLock lock(mutex_);
  while (true) {
    while (queue_.empty() && !ending_) changed_.wait(mutex_);
    if (queue_.empty()) return;
    const auto job = queue_.front();
    queue_.pop_front();
    job->state.position = 0;
    tell(*job);
    renumber();
    const Progress progress = [this, job](std::string_view text) {
      const MutexLock inner(mutex_);
      job->state.progress = text;
      tell(*job);
    };
    mutex_.unlock();
    BuildUpdate end = work_(job->key, progress);
    mutex_.lock();
    finish(job, std::move(end));
  }
}

std::vector<BuildQueue::Pending> BuildQueue::pending() const {
  const MutexLock lock(mutex_);
  std::vector<Pending> out;
  for (const auto& [name, job] : jobs_) out.push_back({name, job->state});
  std::sort(out.begin(), out.end(),
            [](const Pending& a, const Pending& b) { return a.state.position < b.state.position; });
  return out;
}

std::size_t BuildQueue::waiting() const {
  const MutexLock lock(mutex_);
  return queue_.size();
}

std::size_t BuildQueue::running() const {
  const MutexLock lock(mutex_);
  return jobs_.size() - queue_.size();
}

}  // namespace gw::buildd
