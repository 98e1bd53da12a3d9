using System.Text;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Listeners.Tests.Expressions;

public sealed class ExpressionTests
{
    private const string MavlinkGroup = "[0] == 0xFE ? [3:5] : ([0] == 0xFD ? [5:7] : 0xFFFF)";
    private const string MavlinkHeartbeat = "[0] == 0xFD && [7] == 0x18 && [8] == 0x00 && [9] == 0x00";

    [Theory]
    // ranges
    [InlineData("[5]", "000102030405", "05")]
    [InlineData("[2, 4]", "000102030405", "02030405")]
    [InlineData("[2:6]", "000102030405", "02030405")]
    [InlineData("[2:]", "000102030405", "02030405")]
    [InlineData("[:2]", "000102030405", "0001")]
    [InlineData("[:]", "000102030405", "000102030405")]
    [InlineData("[]", "000102030405", "")]
    [InlineData(" [ 2 , 0 ] ", "000102", "")]
    [InlineData("[3:]", "000102", "")]
    [InlineData("[3:3]", "000102", "")]
    // ranges of templates
    [InlineData("[0:4]", "A1B2C3D4E5", "A1B2C3D4")]
    [InlineData("[0:1]", "A1B2", "A1")]
    [InlineData("[1:]", "A1B2C3", "B2C3")]
    [InlineData("[5:7]", "000102030405060708", "0506")]
    // computed offsets
    [InlineData("[u8[3] + 2]", "1011121300FF", null)]
    [InlineData("[u8[3] + 2]", "101112031015", "15")]
    [InlineData("[u16le[4] * 2, 8]", "00000000010008090A0B0C0D0E0F", "0000010008090A0B")]
    [InlineData("[u8[0] - 1:u8[1] / 2]", "0207030405", "0703")]
    [InlineData("[[0]]", "02AABB", "BB")]
    // pipes, left to right
    [InlineData("[2:] | [0]", "000102", "02")]
    [InlineData("[1:] | [1:] | [1:]", "00010203", "03")]
    [InlineData("[u8[0]:] | [1, u8[0]]", "0200020708", "0708")]
    [InlineData("0xAABB | [1]", "", "BB")]
    [InlineData("[1:] | [0] == 0x01", "0001", "01")]
    // choices of templates
    [InlineData(MavlinkGroup, "FE00010203", "0203")]
    [InlineData(MavlinkGroup, "FD000000010203", "0203")]
    [InlineData(MavlinkGroup, "00", "FFFF")]
    [InlineData(MavlinkGroup, "", "FFFF")]
    [InlineData(MavlinkGroup, "FE0001", null)]
    [InlineData(MavlinkHeartbeat, "FD0000000000001800000000", "01")]
    [InlineData(MavlinkHeartbeat, "FD0000000000001800010000", "00")]
    [InlineData(MavlinkHeartbeat, "FD000000000000", null)]
    [InlineData(MavlinkHeartbeat, "FE", "00")]
    [InlineData(MavlinkHeartbeat + " ?? 0x00", "FD000000000000", "00")]
    [InlineData(MavlinkHeartbeat + " ?? 0x00", "FD00000000000018000000", "01")]
    // typed reads of templates
    [InlineData("utf8[0:2]", "68690A", "hi")]
    [InlineData("utf8[8:10]", "0001020304050607C3A9", "é")]
    [InlineData("i16le[2:4]", "0000FEFF", "-2")]
    [InlineData("i16le[4:6]", "00000000FF7F", "32767")]
    [InlineData("u16le[6:8]", "000000000000FFFF", "65535")]
    [InlineData("i32le[18:22]", "000000000000000000000000000000000000FFFFFFFF", "-1")]
    [InlineData("i32le[22:26]", "00000000000000000000000000000000000000000000" + "00E1F505", "100000000")]
    [InlineData("i32le[26:30]", "0000000000000000000000000000000000000000000000000000" + "00000080", "-2147483648")]
    [InlineData("u16le[34:36]", "00000000000000000000000000000000000000000000000000000000000000000000" + "0100", "1")]
    [InlineData("u8[39]", "000000000000000000000000000000000000000000000000000000000000000000000000000000" + "63", "99")]
    // every other type
    [InlineData("u16be[0]", "FFFE", "65534")]
    [InlineData("i16be[0]", "FFFE", "-2")]
    [InlineData("u32le[0]", "010000FF", "4278190081")]
    [InlineData("u32be[0]", "FF000001", "4278190081")]
    [InlineData("i32be[1]", "00FFFFFFFE", "-2")]
    [InlineData("u64le[0]", "FEFFFFFFFFFFFFFF", "18446744073709551614")]
    [InlineData("u64be[:]", "FFFFFFFFFFFFFFFE", "18446744073709551614")]
    [InlineData("i64le[0, 8]", "FEFFFFFFFFFFFFFF", "-2")]
    [InlineData("i64be[0]", "FFFFFFFFFFFFFFFE", "-2")]
    [InlineData("i8[0]", "FE", "-2")]
    [InlineData("f32le[0]", "0000C03F", "1.5")]
    [InlineData("f32be[0]", "BFC00000", "-1.5")]
    [InlineData("f64le[0]", "000000000000F83F", "1.5")]
    [InlineData("f64be[0]", "3FF8000000000000", "1.5")]
    [InlineData("f32le[0]", "0000C07F", null)]
    [InlineData("u16le[0:]", "010203", "513")]
    // literals
    [InlineData("0xFE", "", "FE")]
    [InlineData("0xffff", "", "FFFF")]
    [InlineData("0x0", "", "00")]
    [InlineData("12", "", "12")]
    [InlineData("-1.25", "", "-1.25")]
    // comparisons and truth
    [InlineData("[0] = 0xFE", "FE", "01")]
    [InlineData("[0] != 0xFE", "FE", "00")]
    [InlineData("[0:2] == 0x01", "0001", "00")]
    [InlineData("[0] == 254", "FE", "01")]
    [InlineData("u16le[0] == 0x0201", "0102", "01")]
    [InlineData("i8[0] < 0", "FF", "01")]
    [InlineData("[0] > 0x7F", "80", "01")]
    [InlineData("[0] <= 0x7F", "7F", "01")]
    [InlineData("[0] >= 0x80", "7F", "00")]
    [InlineData("[0:2] < 0x0100", "00FF", "01")]
    [InlineData("f32le[0] > 1", "0000C03F", "01")]
    [InlineData("u64le[0] > i64le[0]", "FFFFFFFFFFFFFFFF", "01")]
    [InlineData("utf8[0:3] == 123", "313233", "01")]
    [InlineData("utf8[0:3] > 12.2", "6E6F21", null)]
    [InlineData("utf8[:] > 12.2", "31322E33", "01")]
    [InlineData("!([0] == 0x01)", "02", "01")]
    [InlineData("![:]", "0000", "01")]
    [InlineData("!u8[0]", "02", "00")]
    // nothing
    [InlineData("[6]", "000102030405", null)]
    [InlineData("[4:7]", "000102030405", null)]
    [InlineData("[4, 3]", "000102030405", null)]
    [InlineData("[7:]", "000102030405", null)]
    [InlineData("[3:2]", "000102030405", null)]
    [InlineData("[-1]", "00", null)]
    [InlineData("[f32le[0]]", "0000803F", null)]
    [InlineData("[9223372036854775807:]", "00", null)]
    [InlineData("[0, 9223372036854775807]", "00", null)]
    [InlineData("u16le[1]", "0001", null)]
    [InlineData("i32le[0:3]", "00010203", null)]
    [InlineData("[1] == 0x00", "00", null)]
    [InlineData("[1] != 0x00", "00", null)]
    [InlineData("[1] == [1]", "00", null)]
    [InlineData("![1]", "00", null)]
    [InlineData("[1] + 1", "00", null)]
    [InlineData("-[1]", "00", null)]
    [InlineData("[1] | 0x01", "00", null)]
    [InlineData("u8[0] | [0]", "00", null)]
    [InlineData("u8[0] / 0", "01", null)]
    [InlineData("u64le[0] * u64le[0]", "FFFFFFFFFFFFFFFF", null)]
    [InlineData("u64le[0] + 1", "FFFFFFFFFFFFFFFF", null)]
    [InlineData("0 - u64le[0]", "FFFFFFFFFFFFFFFF", null)]
    [InlineData("[:] + 1", "010000000000000000", null)]
    [InlineData("[:] + 1", "00000000000000000001", "2")]
    [InlineData("[] + 1", "01", null)]
    [InlineData("f32be[0] / 0", "3F800000", null)]
    [InlineData("[1] ?? 0x07", "00", "07")]
    [InlineData("[1] ?? [2] ?? 0x07", "00", "07")]
    [InlineData("[0] ?? 0x07", "00", "00")]
    [InlineData("[1] ? 0x01 : 0x02", "00", "02")]
    // three values: nothing gives way only to what decides alone
    [InlineData("[1] && 0x00", "00", "00")]
    [InlineData("0x00 && [1]", "00", "00")]
    [InlineData("[1] && 0x01", "00", null)]
    [InlineData("[1] || 0x01", "00", "01")]
    [InlineData("0x01 || [1]", "00", "01")]
    [InlineData("[1] || 0x00", "00", null)]
    public void Gives(string text, string payload, string? expected) => Assert.Equal(expected, Parse(text).Format(Convert.FromHexString(payload)));

    [Theory]
    [InlineData("1 + 2 * 3", "7")]
    [InlineData("(1 + 2) * 3", "9")]
    [InlineData("10 - 2 - 3", "5")]
    [InlineData("20 / 2 / 5", "2")]
    [InlineData("7 / 2", "3")]
    [InlineData("7 / 2.0", "3.5")]
    [InlineData("--1 - -1", "2")]
    [InlineData("1 + 1 == 2", "01")]
    [InlineData("1 < 2 == 2 < 3", "01")]
    [InlineData("0x01 || 0x01 && 0x00", "01")]
    [InlineData("(0x01 || 0x01) && 0x00", "00")]
    [InlineData("1 == 1 && 2 == 2", "01")]
    [InlineData("0x01 || 0x00 ? 0xAA : 0xBB", "AA")]
    [InlineData("0x00 ? 0xAA : 0x00 ? 0xBB : 0xCC", "CC")]
    [InlineData("0x01 ? 0x00 ? 0xAA : 0xBB : 0xCC", "BB")]
    [InlineData("0x01 ? 0xAABB : 0xCCDD | [1]", "BB")]                // the choice is what is piped
    [InlineData("0x01 ? [9] : 0xCC ?? 0xDD", "DD")]                   // ?? is the loosest
    [InlineData("0x01 ? [9] ?? 0xEE : 0xCC", "EE")]
    [InlineData("0xAABB | [2] ?? 0x01", "01")]
    [InlineData("[9] ?? 0xAABB | [1]", "BB")]
    [InlineData("!0x00 && 0x01", "01")]
    [InlineData("0xAABBCC | [0x01 ? 1 : 2]", "BB")]
    [InlineData("0xAABBCC | [0x01 ? 1 : 2 : 3]", "BBCC")]
    public void Binds(string text, string expected) => Assert.Equal(expected, Parse(text).Format([]));

    [Theory]
    [InlineData("[:]", PayloadFormatter.Hex, "C3A9FF")]
    [InlineData("[:]", PayloadFormatter.Base64, "w6n/")]
    [InlineData("[:]", PayloadFormatter.Ascii, "???")]
    [InlineData("[:]", PayloadFormatter.Utf8, "é\uFFFD")]
    [InlineData("utf8[0:2]", PayloadFormatter.Hex, "é")]
    [InlineData("u8[0]", PayloadFormatter.Base64, "195")]
    public void Formats_bytes_as_declared_and_text_and_numbers_as_they_are(string text, PayloadFormatter formatter, string expected) =>
        Assert.Equal(expected, Parse(text).Format([0xC3, 0xA9, 0xFF], formatter));

    [Theory]
    [InlineData("[0]", "01", true)]
    [InlineData("[0]", "00", false)]
    [InlineData("[0]", "", false)]
    [InlineData("[:]", "000001", true)]
    [InlineData("[]", "01", false)]
    [InlineData("u16le[0]", "0001", true)]
    [InlineData("f32le[0]", "00000080", false)]
    [InlineData("utf8[:]", "30", true)]
    public void Any_non_zero_byte_is_true(string text, string payload, bool expected) => Assert.Equal(expected, Parse(text).IsTrue(Convert.FromHexString(payload)));

    [Theory]
    [InlineData("i32le[0]", "FFFFFFFF", -1.0)]
    [InlineData("[0:2]", "0102", 258.0)]
    [InlineData("utf8[:]", "2D37342E35", -74.5)]
    [InlineData("f32le[0]", "0000C03F", 1.5)]
    [InlineData("utf8[:]", "6E6F", null)]
    [InlineData("[9]", "00", null)]
    public void Gives_numbers(string text, string payload, double? expected) =>
        Assert.Equal(expected, Parse(text).TryGetNumber(Convert.FromHexString(payload), out var number) ? number : null);

    [Fact]
    public void Bytes_are_a_slice_of_the_payload()
    {
        var payload = new byte[] { 1, 2, 3, 4 };

        var value = Parse("[1:] | [1:]").Evaluate(payload);

        Assert.Equal(ExpressionValueKind.Bytes, value.Kind);
        Assert.True(value.Bytes == payload.AsSpan(2));
    }

    [Fact]
    public void Evaluation_allocates_nothing()
    {
        var expressions = new[]
        {
            MavlinkGroup, MavlinkHeartbeat + " ?? 0x00", "[u16le[0] * 2 + 1, 3] | utf8[1:]", "f32le[2] / 3 > 0.5 || !(u64be[0] != 7)", "utf8[0:2] < 12 || -[3] >= -1", "[900] ?? 0xAABB",
        }.Select(Parse).ToArray();
        var payload = Encoding.ASCII.GetBytes("0123456789abcdef");
        var trues = Count(expressions, payload);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
            trues += Count(expressions, payload);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
        Assert.Equal(0, trues % 1001);

        static int Count(Expression[] expressions, byte[] payload)
        {
            var trues = 0;
            foreach (var expression in expressions)
            {
                trues += expression.IsTrue(payload) ? 1 : 0;
                trues += expression.TryGetNumber(payload, out _) ? 1 : 0;
            }

            return trues;
        }
    }

    private static Expression Parse(string text)
    {
        Assert.True(Expression.TryParse(text, out var expression, out var error), $"{text}: {error}");
        return expression;
    }
}
