// Before anything is painted: the theme this reader chose last, so that no page flashes in the other one.
try {
  document.documentElement.dataset.theme = localStorage.getItem("crossdock-theme") || "auto";
} catch {
  // a browser that keeps nothing gets the system's theme
}
