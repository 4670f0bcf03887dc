"""A headless Chromium, by its DevTools protocol over two pipes.

    with browser.Browser(directory) as b:
        page = b.page(width=390, height=844, dark=True, script=False)
        page.go("http://127.0.0.1:8000/")
        page.value("document.title")
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time

import cli

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")


# Pairs of elements' colours whose contrast is below WCAG's 4.5 for text.
CONTRAST = """(() => {
  const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
  const light = c => { const m = c.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(m[0]) + 0.7152 * channel(m[1]) + 0.0722 * channel(m[2]); };
  const solid = c => c !== 'transparent' && !/, 0\\)$/.test(c);
  const bad = [];
  for (const e of document.querySelectorAll('main *, footer, header a')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('noscript')) continue;
    let under = e;
    while (under && !solid(getComputedStyle(under).backgroundColor)) under = under.parentElement;
    const a = light(getComputedStyle(e).color), b = light(getComputedStyle(under || document.body).backgroundColor);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(e.tagName + ' ' + e.className + ' ' + ratio.toFixed(1) + ': ' + e.textContent.slice(0, 40));
  }
  return bad;
})()"""


class Browser:
    def __init__(self, directory):
        program = next((p for p in map(shutil.which, PROGRAMS) if p), None)
        assert program, "no Chromium is installed: cmake/deps.sh --tests"
        there, self.out = os.pipe()
        self.into, here = os.pipe()
        # The browser reads from 3 and writes to 4.
        shell = 'exec "$@" 3<&%d 4>&%d' % (there, here)
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "browser", program, "--headless", "--no-sandbox", "--disable-gpu",
             "--remote-debugging-pipe", "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--user-data-dir=" + directory],
            pass_fds=(there, here), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(there)
        os.close(here)
        self.number, self.data, self.events = 0, b"", []

    def receive(self, deadline):
        while b"\0" not in self.data:
            if not select.select([self.into], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError("the browser does not answer")
            chunk = os.read(self.into, 1 << 20)
            if not chunk:
                raise AssertionError("the browser ended")
            self.data += chunk
        message, _, self.data = self.data.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, timeout=30, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout * cli.SLOWNESS
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def page(self, **kwargs):
        return Page(self, **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.out)
        os.close(self.into)


class Page:
    def __init__(self, browser, width=1280, height=900, dark=False, script=True):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        # Ours still run where the page's may not.
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def call(self, method, **params):
        return self.browser.call(method, session=self.session, **params)

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def go(self, url):
        self.call("Page.navigate", url=url)
        return self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def wait(self, condition, timeout=20):
        """Until an expression is true; between two pages there may be nobody to ask."""
        def asked():
            try:
                return self.value(condition)
            except AssertionError:
                return None
        return cli.wait_until(asked, timeout, condition, every=0.05)

    def complaints(self):
        """What a reader would see in red in the browser's console."""
        out = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            if event["method"] == "Runtime.exceptionThrown":
                out.append(json.dumps(event["params"]["exceptionDetails"]))
            entry = event["params"].get("entry", {})
            if event["method"] == "Log.entryAdded" and entry.get("level") == "error":
                out.append("%s %s" % (entry.get("text"), entry.get("url")))
        return out

    def shot(self, path):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
