// Sends the form of a page that is only on the way; its button does the same without JavaScript.
"use strict";
document.querySelector("[data-go-on]").submit();
