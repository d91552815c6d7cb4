// A page that was opened as a file may not start a worker, and the search is one. In that case it runs in a hidden frame
// instead, whose window stands for the worker's global scope: what it posts goes out, and what is posted to it comes in.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.appendChild(frame)
      this.scope = frame.contentWindow
      const outwards = data => this.dispatchEvent(new MessageEvent("message", { data }))
      this.inwards = this.scope.postMessage.bind(this.scope)
      this.scope.postMessage = outwards
      const script = frame.contentDocument.createElement("script")
      this.ready = new Promise(resolve => { script.onload = resolve })
      script.src = url
      frame.contentDocument.body.appendChild(script)
    }

    postMessage(data) {
      this.ready.then(() => this.scope.dispatchEvent(new this.scope.MessageEvent("message", { data })))
    }
  }
}
