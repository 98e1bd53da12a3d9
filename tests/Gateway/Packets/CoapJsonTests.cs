using System.Buffers;
using System.Text;
using System.Text.Json;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Packets;

public sealed class CoapJsonTests
{
    private static readonly JsonEncodedText Data = JsonEncodedText.Encode("Data");

    [Theory]
    // RFC 7252 appendix A, figures 16, 17 and 19
    [InlineData("40017D34BB74656D7065726174757265",
        """{"Version":1,"Type":0,"Code":1,"MessageId":32052,"Token":"","Method":"GET","Path":"/temperature","Options":[{"Number":11,"Value":"dGVtcGVyYXR1cmU="}]}""")]
    [InlineData("41017D3520BB74656D7065726174757265",
        """{"Version":1,"Type":0,"Code":1,"MessageId":32053,"Token":"IA==","Method":"GET","Path":"/temperature","Options":[{"Number":11,"Value":"dGVtcGVyYXR1cmU="}]}""")]
    [InlineData("61457D3520FF32322E332043",
        """{"Version":1,"Type":2,"Code":69,"MessageId":32053,"Token":"IA==","Options":[],"Payload":"MjIuMyBD"}""")]
    [InlineData("60007D38", """{"Version":1,"Type":2,"Code":0,"MessageId":32056,"Token":"","Options":[]}""")]
    // a zero-length value is "", and a query is no part of the path
    [InlineData("50020001" + "60" + "5B" + "2E77656C6C2D6B6E6F776E" + "04" + "636F7265" + "43" + "613D62" + "FF00",
        """{"Version":1,"Type":1,"Code":2,"MessageId":1,"Token":"","Method":"POST","Path":"/.well-known/core","Options":[{"Number":6,"Value":""},{"Number":11,"Value":"LndlbGwta25vd24="},{"Number":11,"Value":"Y29yZQ=="},{"Number":15,"Value":"YT1i"}],"Payload":"AA=="}""")]
    // a path is composed as RFC 7252 §6.5 says, so that a segment cannot pose as two
    [InlineData("50030001" + "B3" + "612F62" + "04" + "C3A9FF22",
        """{"Version":1,"Type":1,"Code":3,"MessageId":1,"Token":"","Method":"PUT","Path":"/a%2Fb/%C3%A9%FF%22","Options":[{"Number":11,"Value":"YS9i"},{"Number":11,"Value":"w6n/Ig=="}]}""")]
    [InlineData("50040001", """{"Version":1,"Type":1,"Code":4,"MessageId":1,"Token":"","Method":"DELETE","Path":"/","Options":[]}""")]
    [InlineData("50050001B0", """{"Version":1,"Type":1,"Code":5,"MessageId":1,"Token":"","Method":"FETCH","Path":"/","Options":[{"Number":11,"Value":""}]}""")]
    [InlineData("50070001B16100", """{"Version":1,"Type":1,"Code":7,"MessageId":1,"Token":"","Method":"iPATCH","Path":"/a/","Options":[{"Number":11,"Value":"YQ=="},{"Number":11,"Value":""}]}""")]
    [InlineData("501F0001", """{"Version":1,"Type":1,"Code":31,"MessageId":1,"Token":"","Path":"/","Options":[]}""")]
    public void Writes_messages(string datagram, string expected)
    {
        using var document = JsonDocument.Parse(Write(Convert.FromHexString(datagram)));

        Assert.Equal(expected, document.RootElement.GetProperty("Data").GetString());
    }

    [Theory]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":32053,"Token":"IA==","Payload":"MjIuMyBD"}""", "61457D3520FF32322E332043")]
    [InlineData("""{"Type":2,"Code":69,"MessageId":32053,"Token":"IA==","Options":[],"Payload":"MjIuMyBD"}""", "61457D3520FF32322E332043")]
    [InlineData("""{"Version":1,"Type":2,"Code":"4.04","MessageId":1}""", "60840001")]
    [InlineData("""{"Version":null,"Type":2,"Code":"2.05","MessageId":1,"Token":null,"Options":null,"Payload":null}""", "60450001")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Token":"","Options":[],"Payload":""}""", "60450001")]
    // everything of the request repeated, known or not
    [InlineData("""{"Version":1,"Type":2,"Code":"2.05","MessageId":1,"Token":"","Method":"GET","Path":"/time","Options":[],"Extra":{}}""", "60450001")]
    // an empty message is its header alone
    [InlineData("""{"Type":2,"Code":"0.00","MessageId":32056}""", "60007D38")]
    [InlineData("""{"Type":3,"Code":0,"MessageId":1,"Token":"IA=="}""", "70000001")]
    // options in any order; those of one number keep theirs
    [InlineData("""{"Type":0,"Code":"0.01","MessageId":1,"Options":[{"Number":11,"Value":"Yg=="},{"Number":3,"Value":"YQ=="},{"Number":11,"Value":"Yw=="}]}""", "40010001" + "3161" + "8162" + "0163")]
    // zero length: missing, null or ""
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[{"Number":12},{"Number":12,"Value":null},{"Number":12,"Value":""}]}""", "60450001" + "C00000")]
    // a number takes its shortest form, zero none
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[{"Number":12,"Value":0},{"Number":14,"Value":60},{"Number":60,"Value":65536}]}""", "60450001" + "C0" + "213C" + "D321010000")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":{"Number":12,"Value":"Mg=="}}""", "60450001" + "C132")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[null,{"Number":65535}]}""", "60450001" + "E0FEF2")]
    // base64 of either alphabet, unpadded, escaped
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Token":"-_8","Payload":"+/8="}""", "62450001FBFF" + "FF" + "FBFF")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Payload":"\u002B\/8="}""", "60450001" + "FF" + "FBFF")]
    [InlineData(""" { "MessageId" : 1 , "Code" : "5.00" , "Type" : 1 } """, "50A00001")]
    [InlineData("""{"Type":2,"Code":"7.31","MessageId":65535}""", "60FFFFFF")]
    public void Reads_replies(string json, string expected)
    {
        var datagram = new byte[PayloadEncoding.MaxDecodedSize(PayloadFormatter.Coap, json)];

        Assert.True(PayloadEncoding.TryRead(PayloadFormatter.Coap, json, datagram, out var length));
        Assert.Equal(expected, Convert.ToHexString(datagram.AsSpan(0, length)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"Type\":2,\"Code\":\"2.05\",\"MessageId\":1")]
    [InlineData("""{"Code":"2.05","MessageId":1}""")]
    [InlineData("""{"Type":2,"MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"2.05"}""")]
    [InlineData("""{"Version":2,"Type":2,"Code":"2.05","MessageId":1}""")]
    [InlineData("""{"Type":4,"Code":"2.05","MessageId":1}""")]
    [InlineData("""{"Type":-1,"Code":"2.05","MessageId":1}""")]
    [InlineData("""{"Type":"2","Code":"2.05","MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"2.5","MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"2.32","MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"8.00","MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"205","MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":2.05,"MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":256,"MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":65536}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Token":"AAECAwQFBgcI"}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Token":"no base64!"}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Token":7}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":"x"}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[{"Value":"YQ=="}]}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[{"Number":65536}]}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[{"Number":1,"Value":1.5}]}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[{"Number":1,"Value":{}}]}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Options":[7]}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Payload":{"a":1}}""")]
    [InlineData("""{"Type":2,"Code":"2.05","MessageId":1,"Payload":"\ud800"}""")]
    [InlineData("""{"Type":2,"\ud800":"2.05","MessageId":1}""")]
    [InlineData("""{"Type":2,"Code":"0.00","MessageId":1,"Payload":"YQ=="}""")]
    [InlineData("""{"Type":2,"Code":"0.00","MessageId":1,"Options":[{"Number":1}]}""")]
    [InlineData("\ud800")]
    public void Refuses_replies(string json)
    {
        var datagram = new byte[PayloadEncoding.MaxDecodedSize(PayloadFormatter.Coap, json)];

        Assert.False(PayloadEncoding.TryRead(PayloadFormatter.Coap, json, datagram, out _));
    }

    [Fact]
    public void Every_message_comes_back_byte_by_byte_and_takes_no_more_than_was_counted()
    {
        var random = new Random(4711);
        for (var round = 0; round < 3_000; round++)
        {
            var datagram = RandomMessage(random);
            Assert.True(PayloadEncoding.CanEncode(PayloadFormatter.Coap, datagram));

            var json = Write(datagram);

            Assert.InRange(json.Length, 1, """{"Data":""}""".Length + PayloadEncoding.EncodedSize(PayloadFormatter.Coap, datagram));
            using var document = JsonDocument.Parse(json);
            var data = document.RootElement.GetProperty("Data").GetString()!;
            var back = new byte[PayloadEncoding.MaxDecodedSize(PayloadFormatter.Coap, data)];
            Assert.True(PayloadEncoding.TryRead(PayloadFormatter.Coap, data, back, out var length), data);
            Assert.Equal(datagram, back[..length]);
        }
    }

    [Fact]
    public void Arbitrary_bytes_are_refused_or_written()
    {
        var random = new Random(815);
        var written = 0;
        for (var round = 0; round < 30_000; round++)
        {
            var datagram = new byte[random.Next(40)];
            random.NextBytes(datagram);
            if (datagram.Length > 1 && round % 2 == 0)
                datagram[0] = (byte)(0x40 | (datagram[0] & 0x31)); // near to a message, with a token of at most one byte
            if (!PayloadEncoding.CanEncode(PayloadFormatter.Coap, datagram))
                continue;

            using var document = JsonDocument.Parse(Write(datagram));
            written++;
        }

        Assert.InRange(written, 100, 30_000);
    }

    [Fact]
    public void Arbitrary_changes_of_a_reply_never_throw()
    {
        const string Reply = """{"Version":1,"Type":2,"Code":"2.05","MessageId":1,"Token":"IA==","Options":[{"Number":11,"Value":"YQ=="},{"Number":12,"Value":7}],"Payload":"MjIuMyBD"}""";
        const string Letters = "{}[]:,\"\\u0aD8=+-/.19 \ud800\0é";
        var random = new Random(42);
        for (var round = 0; round < 20_000; round++)
        {
            var json = new StringBuilder(Reply);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var place = random.Next(json.Length);
                if (random.Next(3) == 0)
                    json.Remove(place, 1);
                else if (random.Next(2) == 0)
                    json.Insert(place, Letters[random.Next(Letters.Length)]);
                else
                    json[place] = Letters[random.Next(Letters.Length)];
            }

            var text = json.ToString();
            var datagram = new byte[PayloadEncoding.MaxDecodedSize(PayloadFormatter.Coap, text)];
            if (PayloadEncoding.TryRead(PayloadFormatter.Coap, text, datagram, out var length))
                Assert.True(CoapMessage.TryRead(datagram.AsSpan(0, length), out _), text);
        }
    }

    [Fact]
    public void Writing_allocates_nothing_per_packet()
    {
        var datagram = Convert.FromHexString("41017D3520BB74656D706572617475726504636F7265FF32322E332043");
        var output = new ArrayBufferWriter<byte>(4096);
        using var writer = new Utf8JsonWriter(output);
        WriteOnce();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
            WriteOnce();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void WriteOnce()
        {
            output.ResetWrittenCount();
            writer.Reset();
            writer.WriteStartObject();
            PayloadEncoding.Write(writer, Data, PayloadFormatter.Coap, datagram);
            writer.WriteEndObject();
            writer.Flush();
        }
    }

    private static byte[] RandomMessage(Random random)
    {
        var message = new List<byte>();
        var token = Bytes(random.Next(CoapMessage.MaxTokenLength + 1));
        var code = random.Next(256);
        if (code == CoapMessage.EmptyCode)
            token = [];
        message.AddRange([(byte)(0x40 | (random.Next(4) << 4) | token.Length), (byte)code, .. Bytes(2), .. token]);
        if (code == CoapMessage.EmptyCode)
            return [.. message];

        var number = 0;
        var header = new byte[CoapOption.MaxHeaderSize];
        for (var option = random.Next(6); option > 0; option--)
        {
            var delta = random.Next(4) switch { 0 => 11, 1 => random.Next(20), 2 => random.Next(400), _ => random.Next(20_000) };
            if (number + delta > CoapOption.MaxNumber)
                break;
            number += delta;
            var value = Bytes(random.Next(3) switch { 0 => random.Next(3), 1 => random.Next(30), _ => random.Next(600) });
            message.AddRange([.. header.AsSpan(0, CoapOption.WriteHeader(header, delta, value.Length)), .. value]);
        }

        if (random.Next(2) == 0)
            message.AddRange([CoapMessage.PayloadMarker, .. Bytes(random.Next(1, 1000))]);
        return [.. message];

        byte[] Bytes(int count)
        {
            var bytes = new byte[count];
            random.NextBytes(bytes);
            return bytes;
        }
    }

    private static byte[] Write(byte[] datagram)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            PayloadEncoding.Write(writer, Data, PayloadFormatter.Coap, datagram);
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}
