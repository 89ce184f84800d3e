"""Prevents: real people taken for programs, and programs for people, by what they call themselves."""

import pytest

from starter.pages.user_agent import names_a_program

_ANDROID = (
    "Mozilla/5.0 (Linux; Android {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)
_VIEW = "Mozilla/5.0 (Linux; Android {}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 "
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "

PEOPLE = [
    _ANDROID.format("11; CUBOT X50"),
    _VIEW.format("14; SM-S911B")
    + "Mobile Safari/537.36 Telegram-Android/11.3.3 (Samsung SM-S911B; Android 14; SDK 34)",
    _IPHONE + "Version/18.1 Mobile/15E148 Safari/604.1",
    _ANDROID.format("10; K"),
    _ANDROID.format("9; CUBOT_NOTE_S"),
    _ANDROID.format("12; CUBOT KINGKONG MINI 3 Build/SP1A.210812.016"),
    _ANDROID.format("8.1; CUBOT"),
    _ANDROID.format("7.0; CUBOT/MAX"),
    _WINDOWS + "Safari/537.36",
    _WINDOWS + "Safari/537.36 Edg/130.0.0.0",
    _WINDOWS + "Safari/537.36 OPR/115.0.0.0",
    _MAC + "Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    _ANDROID.format("13; SAMSUNG SM-A536B").replace("Chrome", "SamsungBrowser/26.0 Chrome"),
    _ANDROID.format("9; KFMAWI").replace("Chrome", "Silk/120.1 like Chrome"),
    _IPHONE + "Version/18.1 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    _IPHONE + "GSA/340.3.688801208 Mobile/15E148 Safari/604.1",
    _IPHONE + "CriOS/130.0.6723.78 Mobile/15E148 Safari/604.1",
    _IPHONE + "Mobile/15E148 Instagram 355.0.0.31.99 (iPhone14,5; iOS 18_1; en_US; en; scale=3.00; 1170x2532)",
    _IPHONE + "Mobile/15E148 [FBAN/FBIOS;FBAV/488.0.0.70.77;FBBV/652283219;FBDV/iPhone14,5]",
    _VIEW.format("14; Pixel 8") + "Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/489.0.0.66.81;]",
    _IPHONE + "Mobile/15E148 [LinkedInApp]/9.30.1234",
    _IPHONE + "Mobile/15E148 [Pinterest/iOS]",
    _IPHONE + "Mobile/15E148 Snapchat/13.15.0.40 (like Safari/8618.2.12.10.9, panda)",
    _IPHONE + "Mobile/15E148 Safari Line/14.18.0",
    _IPHONE + "Mobile/15E148 Twitter for iPhone/10.65",
    _VIEW.format("13; M2101K6G") + "Mobile Safari/537.36 MicroMessenger/8.0.50 Language/en",
    _VIEW.format("12; RMX3085") + "Mobile Safari/537.36 trill_370104 BytedanceWebview/d8a21c6",
    _VIEW.format("14; SM-G991B") + "Mobile Safari/537.36 Viber/23.6.0.1",
    _VIEW.format("14; SM-G991B") + "Mobile Safari/537.36 WhatsApp/2.24.22.78 A",
    _WINDOWS + "Electron/31.4.0 Safari/537.36 Slack_SSB/4.41.97",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1.15",
]

PROGRAMS = [
    "python-httpx/0.28.1",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    _MAC + "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    *("", " ", "curl/8.5.0", "Wget/1.21.4", "python-requests/2.32.3", "Python-urllib/3.12"),
    *("Python/3.12 aiohttp/3.10.10", "Go-http-client/2.0", "Java/17.0.1", "Apache-HttpClient/4.5.14 (Java/17.0.9)"),
    *("okhttp/4.12.0", "axios/1.7.7", "node", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "undici"),
    *("GuzzleHttp/7", "PostmanRuntime/7.42.0", "libwww-perl/6.77", "Ruby", "http.rb/5.1.1 (Mastodon/4.2.1)"),
    "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A.240805.005)",
    "OurApp/7 CFNetwork/1568.200.51 Darwin/24.1.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Googlebot)",
    "AdsBot-Google (+http://www.google.com/adsbot.html)",
    _MAC + "Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    _ANDROID.format("7.0;") + " (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Slackbot-LinkExpanding 1.0",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "WhatsApp/2.23.20.0 A",
    "Viber",
    "Line/13.0",
    "facebookexternalhit/1.1;line-poker/1.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Mozilla/5.0 (compatible; Snap URL Preview Service; bot; snapchat; https://developers.snapchat.com/robots)",
    "Pinterest/0.2 (+http://www.pinterest.com/)",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
    *("Iframely/1.3.1 (+https://iframely.com/docs/about)", "Mozilla/5.0 (compatible; Embedly/0.2; +http://embed.ly/)"),
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    _WINDOWS + "Safari/537.36 Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0; Pro)",
    "Barracuda Sentinel (EE)",
    _WINDOWS + "Safari/537.36 BingPreview/1.0b",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_people(agent: str) -> None:
    assert not names_a_program(agent)


@pytest.mark.parametrize("agent", PROGRAMS)
def test_programs_are_programs(agent: str) -> None:
    assert names_a_program(agent)
