// A page that only shows cannot note that somebody is there: this does, without holding it up.
const signedIn = document.querySelector("form[action='/portal/sign-out'] [name=csrfmiddlewaretoken]");
if (signedIn) {
  const said = new FormData();
  said.append("csrfmiddlewaretoken", signedIn.value);
  navigator.sendBeacon("/portal/seen", said);
  // A contract is open once it is in sight: not in a window behind others, nor where a browser loads ahead.
  const contract = document.querySelector("[data-opens]");
  const tell = () => {
    if (document.hidden) return;
    document.removeEventListener("visibilitychange", tell);
    navigator.sendBeacon(contract.dataset.opens, said);
  };
  if (contract) {
    document.addEventListener("visibilitychange", tell);
    tell();
  }
}
