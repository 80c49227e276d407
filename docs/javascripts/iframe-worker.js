// Search from the disk: browsers start no workers in pages that were opened as files. This one runs its script in a hidden frame instead.
(() => {
  if (location.protocol !== "file:") return;

  class FrameWorker extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      // A message waits until the script that handles it has been read.
      const start = () => {
        document.body.append(frame);
        this.scope = frame.contentWindow;
        const { document: inner } = this.scope;
        this.scope.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        this.scope.importScripts = (...urls) => Promise.all(urls.map((one) => this.load(inner, one)));
        this.load(inner, url).then(() => {
          const messages = this.waiting;
          this.waiting = null;
          messages.forEach((data) => this.postMessage(data));
        });
      };
      if (document.body) start();
      else document.addEventListener("DOMContentLoaded", start);
    }

    load(inner, url) {
      return new Promise((resolve, reject) => {
        const script = inner.createElement("script");
        script.src = new URL(url, location.href).href;
        script.onload = resolve;
        script.onerror = reject;
        inner.body.append(script);
      });
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.scope.dispatchEvent(new this.scope.MessageEvent("message", { data }));
    }

    terminate() {}
  }

  window.Worker = FrameWorker;
})();
