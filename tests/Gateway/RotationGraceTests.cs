using Microsoft.Extensions.Configuration;

namespace UdpGateway.Gateway.Tests;

public sealed class RotationGraceTests
{
    [Theory]
    [InlineData(null, 24 * 60)]
    [InlineData("0", 0)]
    [InlineData("1.5", 90)]
    public void Is_a_day_unless_the_settings_say_otherwise(string? hours, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), GatewaySettings.Read(Settings(hours)).RotationGrace);

    [Theory]
    [InlineData("-1")]
    [InlineData("day")]
    [InlineData("8761")]
    public void Anything_else_is_named(string hours)
    {
        var mistake = Assert.Throws<FormatException>(() => GatewaySettings.Read(Settings(hours)));

        Assert.Equal($"rotation-grace-hours is \"{hours}\"; it must be a number of hours up to 8760.", mistake.Message);
    }

    private static IConfigurationRoot Settings(string? hours) =>
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("rotation-grace-hours", hours)]).Build();
}
