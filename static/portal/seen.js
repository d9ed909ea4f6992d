// A page that only shows cannot note that somebody is there: this does, without holding it up.
const signedIn = document.querySelector("form[action='/portal/sign-out'] [name=csrfmiddlewaretoken]");
if (signedIn) {
  const said = new FormData();
  said.append("csrfmiddlewaretoken", signedIn.value);
  navigator.sendBeacon("/portal/seen", said);
}
