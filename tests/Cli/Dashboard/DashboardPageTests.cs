using UdpGateway.Cli.Tests.Commands;
using UdpGateway.Cli.Tests.LocalLambda;

namespace UdpGateway.Cli.Tests.Dashboard;

/// <summary>The page in a real browser. Its screenshots go to the folder that UDPGW_SCREENSHOTS names, if it does.</summary>
public sealed class DashboardPageTests
{
    private const string Attack = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    private const string Rows = "Array.from(document.querySelectorAll('#packets tr:not([hidden])'))";

    [RequiresProgramFact(Chromium.Program)]
    public async Task Shows_markup_in_packets_answers_and_replies_as_text()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Echo);
        await using var browser = await Chromium.StartAsync();
        await browser.OpenAsync(watched.Dashboard);
        await browser.WaitForAsync("document.getElementById('live').textContent === 'live'");

        await watched.SendAsync("Plain", System.Text.Encoding.UTF8.GetBytes(Attack));
        await browser.WaitForAsync($"{Rows}.some(row => row.innerText.includes('replied'))");
        await browser.EvaluateAsync($"{Rows}[0].click()");
        await browser.WaitForAsync("document.querySelectorAll('#panel-packet .reply').length === 1");
        await browser.EvaluateAsync("document.querySelectorAll('details').forEach(fold => fold.open = true)");

        var shown = (await browser.EvaluateAsync("document.getElementById('panel-packet').innerText"))!.ToString();
        Assert.Contains(Attack[..60], (await browser.EvaluateAsync($"{Rows}[0].innerText"))!.ToString(), StringComparison.Ordinal);
        Assert.Contains(Attack, shown, StringComparison.Ordinal);
        Assert.Contains("echo: " + Attack, shown, StringComparison.Ordinal);
        Assert.Contains("\"Replies\"", shown, StringComparison.Ordinal);
        Assert.Equal("udpgw", (await browser.EvaluateAsync("document.title"))!.ToString());
        Assert.Equal(0, (int)(await browser.EvaluateAsync("document.querySelectorAll('main script, main img').length"))!);
        Assert.Empty(browser.Complaints);
    }

    [RequiresProgramFact(Chromium.Program)]
    public async Task Policy_stops_code_even_if_the_page_had_a_hole()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);
        await using var browser = await Chromium.StartAsync();
        await browser.OpenAsync(watched.Dashboard);
        await browser.WaitForAsync("document.getElementById('live').textContent === 'live'");

        var refused = await browser.EvaluateAsync("(() => { try { document.body.innerHTML = '<img src=x>'; return 'taken'; } catch (fault) { return fault.name; } })()");
        await browser.EvaluateAsync("(() => { const script = document.createElement('script'); script.append(\"document.title='owned'\"); try { document.body.append(script); } catch { } })()");

        Assert.Equal("TypeError", refused!.ToString());
        Assert.Equal("udpgw", (await browser.EvaluateAsync("document.title"))!.ToString());
    }

    [RequiresProgramFact(Chromium.Program)]
    public async Task Works_by_keyboard()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);
        await using var browser = await Chromium.StartAsync();
        await browser.OpenAsync(watched.Dashboard);
        foreach (var text in (string[])["alpha", "beta", "gamma"])
            await watched.SendAsync("Plain", System.Text.Encoding.UTF8.GetBytes(text));
        await watched.SendAsync("Closed", "delta"u8.ToArray());
        await browser.WaitForAsync($"{Rows}.length === 4");

        await browser.PressAsync("j");
        await browser.WaitForAsync("document.querySelector('tr.selected')");
        await browser.PressAsync("ArrowDown");
        await browser.WaitForAsync($"{Rows}[1].classList.contains('selected') && document.querySelector('#panel-packet h2').textContent === 'Packet ' + {Rows}[1].dataset.number");
        await browser.PressAsync("/");
        foreach (var letter in "gamma")
            await browser.PressAsync(letter.ToString());
        await browser.WaitForAsync($"{Rows}.length === 1 && {Rows}[0].innerText.includes('gamma')");
        await browser.PressAsync("Escape");
        await browser.WaitForAsync($"{Rows}.length === 4");

        await browser.PressAsync("p");
        await watched.SendAsync("Plain", "epsilon"u8.ToArray());
        await browser.WaitForAsync("document.getElementById('foot').textContent.includes('paused, 1 changed')");
        Assert.Equal(4, (int)(await browser.EvaluateAsync($"{Rows}.length"))!);
        await browser.PressAsync("p");
        await browser.WaitForAsync($"{Rows}.length === 5");

        await browser.PressAsync("3");
        await browser.WaitForAsync("!document.getElementById('panel-drops').hidden && document.getElementById('panel-drops').innerText.includes('source_not_allowed')");
        Assert.Empty(browser.Complaints);
    }

    [RequiresProgramFact(Chromium.Program)]
    public async Task Is_readable_in_light_and_in_dark()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Echo);
        var tunnel = watched.Listener("Tunnel").Record;
        await using var browser = await Chromium.StartAsync();
        await browser.OpenAsync(watched.Dashboard);
        await CommandRun.Of("send", $"127.0.0.1:{tunnel.Port}", "temperature=21.5", "humidity=40", "--public-key", tunnel.WireGuardPublicKey!, "--inner", "10.8.0.1:9000");
        await watched.SendAsync("Plain", "status?"u8.ToArray());
        await watched.SendAsync("Plain", Convert.FromHexString("44010001a1b2c3d4b773656e736f72730474656d70ff7b7d"));
        await watched.SendAsync("Tunnel", "noise"u8.ToArray());
        await browser.WaitForAsync($"{Rows}.filter(row => row.innerText.includes('replied')).length >= 3 && {Rows}.some(row => row.innerText.includes('dropped'))");
        await browser.EvaluateAsync($"{Rows}.find(row => row.innerText.includes('humidity')).click()");
        await browser.WaitForAsync("document.querySelectorAll('#panel-packet .reply').length === 1");

        foreach (var scheme in (string[])["light", "dark"])
        {
            await browser.EmulateAsync(scheme);
            await SaveAsync(browser, scheme);
            var least = (await browser.EvaluateAsync(Contrast))!;
            Assert.True((double)least["ratio"]! >= 4.5, $"In {scheme}, '{least["text"]}' has a contrast of {least["ratio"]} only ({least["colors"]}).");
        }

        foreach (var (key, name) in new[] { ("2", "peers"), ("3", "drops"), ("4", "destinations") })
        {
            await browser.PressAsync(key);
            await browser.WaitForAsync($"document.querySelector('#panel-{name} tbody tr')");
            await SaveAsync(browser, name);
        }
    }

    /// <summary>The least contrast of text against what is painted behind it (WCAG 2.2 §1.4.3), over all text that shows.</summary>
    private const string Contrast = """
        (() => {
          const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
          const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
          const luminance = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = element => { for (; element; element = element.parentElement) { const color = rgba(getComputedStyle(element).backgroundColor); if (color[3] === 255) return color; } return [255, 255, 255]; };
          let least = { ratio: 21 };
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
            const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            if (ratio < least.ratio) least = { ratio, text: walker.currentNode.textContent, colors: getComputedStyle(element).color + ' on ' + behind(element) };
          }
          return least;
        })()
        """;

    private static async Task SaveAsync(Chromium browser, string name)
    {
        if (Environment.GetEnvironmentVariable("UDPGW_SCREENSHOTS") is { Length: > 0 } folder)
            await File.WriteAllBytesAsync(Path.Combine(folder, $"dashboard-{name}.png"), await browser.ScreenshotAsync());
    }
}
