"""What a visitor calls itself: a browser, or a program that shows, checks or fetches links.

The failures prevented: somebody with a CUBOT telephone, or who opens a link inside Telegram, is taken for a program;
a link's preview in a chat is taken for somebody. Either mistake costs one count, never a page, a cookie or a reward.
"""

import re

_CRAWLERS = (
    r"(?<!cu)bot(?:[/;,)]|-\w| \(|$)",  # Googlebot/2.1, AdsBot-Google, TelegramBot (like …; CUBOT makes telephones
    r"\+https?:",  # (+https://who-we-are.example), the custom of crawlers
    r"spider(?:[/;]|$)",
    r"crawler|\bslurp\b|mediapartners-google|googleother",
    r"google-(?:pagerenderer|read-aloud|safety|inspectiontool|site-verification)",
)
_PREVIEWS = (
    r"facebookexternalhit|facebookcatalog|meta-external|slackbot|slack-imgproxy|bingpreview|skypeuripreview",
    r"\b(?:ur[li]|link|web)[ -]preview|embedly|iframely|vkshare|line-poker|flipboardproxy|mastodon/",
    r"^(?:whatsapp|viber|line|snapchat)\b",  # inside of these apps, the browser's own name comes first
    r"googleimageproxy|yahoomailproxy|ms-office|^microsoft office|barracuda|mimecast",  # mail and its guards
)
_LIBRARIES = (
    r"curl/|wget/|\bpython[-/]|aiohttp|httpx|libwww-perl|\bjava/|apache-httpclient|okhttp|go-http-client|http\.rb",
    r"axios/|node-fetch|undici|^node\b|^got\b|guzzle|^php|^ruby|reqwest|postmanruntime|insomnia/|powershell/",
    r"cfnetwork/|^dalvik/|headlesschrome|phantomjs|chrome-lighthouse",
)
_PREVIEW = re.compile("|".join((*_CRAWLERS, *_PREVIEWS)), re.IGNORECASE)
_LIBRARY = re.compile("|".join(_LIBRARIES), re.IGNORECASE)


def names_a_preview(user_agent: str) -> bool:
    """Whether a `User-Agent` is that of a crawler or a preview: of what reads links where they are shown."""
    return _PREVIEW.search(user_agent) is not None


def names_a_program(user_agent: str) -> bool:
    """Whether a `User-Agent` is that of a crawler, a preview or a library, or says nothing."""
    return not user_agent.strip() or names_a_preview(user_agent) or _LIBRARY.search(user_agent) is not None
