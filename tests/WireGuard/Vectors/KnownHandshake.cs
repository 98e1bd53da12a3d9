namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>
/// The four handshakes of two Linux kernels in the Wireshark project's test captures wireguard-ping-tcp.pcap and wireguard-psk.pcap, whose
/// static, ephemeral and pre-shared keys the project publishes beside them: test keys, not secrets.
/// </summary>
/// <remarks>
/// <para>
/// The captures came with Wireshark's commits cf9f1cac07130e3da2ef5e51c9232b7c206dcde2 and e7549372515dbef74f4764a36a6b1a408087cf59; here are
/// recorded packets and keys, no code. The first handshake of wireguard-ping-tcp and its first packet are also in seladb/PcapPlusPlus,
/// Tests/Packet++Test/PacketExamples/WireGuard*.dat (Unlicense), that of wireguard-psk in theparanoids/spicy-noise, README.md and
/// spicy-noise.spicy (Apache-2.0).
/// </para>
/// <para>
/// What no text reproduces of a capture is computed, and said to be so below: with the keys of the capture, indices 0x01020304 and
/// 0x05060708, by a Python implementation of the paper's §5.4 on hashlib.blake2s, hmac and pyca/cryptography that shares nothing with the
/// engine and gives every recorded message here byte for byte. Timestamps and transport keys are what it read and derived.
/// </para>
/// </remarks>
internal sealed record KnownHandshake(
    string Name,
    byte[] InitiatorStatic,
    byte[] InitiatorEphemeral,
    byte[] ResponderStatic,
    byte[] ResponderEphemeral,
    byte[] PresharedKey,
    string Timestamp,
    byte[] Initiation,
    byte[] Response,
    string InitiatorToResponder,
    string ResponderToInitiator,
    byte[]? FromInitiator = null,
    byte[]? FromResponder = null)
{
    public static readonly KnownHandshake[] All =
    [
        // Recorded: both messages and the first packet of either side.
        new(
            "wireguard-ping-tcp 1",
            Key("AKeZaHwBxjiKLFnkY2unvEdOTtg4AL+M9dQXfopFVFk="),
            Key("sLGLJSOQfyz7JNJ5ZDzFf3Uz1rkiCMMjbWerNYcPFFU="),
            Key("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs="),
            Key("QC4/FZKhFf0b/eXEcCecmZNt6V6PXmRa4EWG1PIYTU4="),
            Key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "400000005b52647b15405610",
            Hex("""
                01000000d837d0305fcec7c8e5c8e2e3f7989eef60c228d82329d602b6b1e2bb9d068f89cf9d4d4532780f6d27264f7b
                98701fdc27a4ec00aeb6becdbef2332f1b4084cadb93823935c012ae255e7b25eff13940c321fa6bd66a2a87b061db14
                30173e937f569349de2856dc5f2616763eeeafc0533b01dd965e7ec76976e28f683d6712000000000000000000000000
                00000000
                """),
            Hex("""
                0200000006f47dabd837d030b18d5550bd4042a37a46823ac08db1ec66839bc0ca2d64bc15cd80232b66232faec24af8
                918de1060ff5c98e865d5f35f272214c5260110dc4c61e32cdd8542100000000000000000000000000000000
                """),
            "200edbb85503b00463f987aab96e0e7d047726c684f4cf3c7695caac38cacc8b",
            "dec67e4017307e59ef13cb788eff6a808a883956975f03b56f1468f6a581d5f3",
            Hex("""
                0400000006f47dab0000000000000000a4ebc12ee3f990da18033a0789c04e2700f6f5c271d42ac4b4d6262e666549b4
                45a7436e829bffb6ac65f05648bc0c391fe7c5884874376127164940188f03dba67af8388eaab76c593628bf9dc7be03
                346d912e916dad862545454701364f2d2486d7ced4c8642ce547ddb26ef6a46b
                """),
            Hex("""
                04000000d837d03000000000000000006f4f080e9f52691bbe948535f79c13ed68f09145d523eedb087265f968082f70
                735729263eda627c7683cdc0b80a3356d9536c9f0e2872797b5c81720ba0b8ea7233c6debf9f0fbee8f10ec18985b824
                bf350f8b8180d08a64e6be9810089ac3d1363ed5e129ca1e0425cf7e94965659
                """)),
        // Recorded: the initiation. Computed: the response.
        new(
            "wireguard-ping-tcp 2",
            Key("AKeZaHwBxjiKLFnkY2unvEdOTtg4AL+M9dQXfopFVFk="),
            Key("ULv83D+y3vA0t2mgmTmWz++lpVsrP7i4wNaUEK2oX0E="),
            Key("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs="),
            Key("sBv1dhsm63cbvWMv/XML+bvynBp9PTdY9Vvptu3HQlg="),
            Key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "400000005b5265071d3ca7b4",
            Hex("""
                01000000c541fdbfa1e1ef034d269e52fcda161747e7d7b412165ff3f723ebd205e32b4a87868634d68aad0acd87497b
                d55230e66ffdeddbb797385abb5e6cf7197083f51999ac2e480ab650bc4ed6329f127b9e6c2074ec13cb3a822bc26ad2
                f8543988c4247222903c8f56a16019cb88cb7bd99534e87298e2dd3735e7bc33e9078952000000000000000000000000
                00000000
                """),
            Hex("""
                0200000008070605c541fdbf2cf0e5dc16a9af302686f15e57cb5ae9820616cea59b8d0b5466543a4f4e26090b2654de
                3faa358692f6a0733405f0f0a05c62488a9aa95a082c20c0263c607e00000000000000000000000000000000
                """),
            "2db108e6e8ae7806762c9120e3515b330ea5f1933766d693aca2ce6f7753ed02",
            "1fcc525bbbd10da61f97946295623091d1747a10e8df4b4424efc8cc93137b36"),
        // Recorded: both messages.
        new(
            "wireguard-psk 1",
            Key("AKeZaHwBxjiKLFnkY2unvEdOTtg4AL+M9dQXfopFVFk="),
            Key("iCv2VTi/BC/q0egU931KXrrQ4TSwXaezMgrhh7uCbXs="),
            Key("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs="),
            Key("8G1N3LnEqYC7+NW/b6mqceVUIGBMAZSm+IpwG1U0j0w="),
            Key("//////////////////////////////////////////8="),
            "400000005b60ed663156716e",
            Hex("""
                01000000029c03c1f30ceb67148dd27c78d52d0196b6b78b71542986f563ac898879353f022f174770c5b3d433cfb49f
                d3311688284ce67ec72111e655129fc5f6bed2e0a44b8d28c222c6e1479a0833c7a1f6417b733c1ef049fab5e451aff5
                61ea428c2116f7d1023ccdac2b2a00ecbe0273c9f84b1c695032084b58e7d2ff9fcf19fd000000000000000000000000
                00000000
                """),
            Hex("""
                0200000001fae3dc029c03c1394ce1067faccdff74d71ddde6450ccedb94839008a7a2c0cdb0b4abe080565b96d16752
                c32e60baabfb5413fba24276beae31ece918c01700e5dfe66ca3c7b900000000000000000000000000000000
                """),
            "360f69b725f4733f4f593c9a24fead31bed6d76be9f445cfc4ac46d76b59d961",
            "f844ab4dcfc62b5d4feb3b0cc7bbf01e6333c461db6882d56ad0344125ee4ed1"),
        // Computed; the initiator is the side that answered before, as in the trace's connection log.
        new(
            "wireguard-psk 2",
            Key("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs="),
            Key("+MHo9sfkjPsjCx7lbVhRLDvMxYvTirOQFDSdzAW6kUQ="),
            Key("AKeZaHwBxjiKLFnkY2unvEdOTtg4AL+M9dQXfopFVFk="),
            Key("0G6t5j1B/We65MXVEBIGuRGYadwB2ITdvJovtAuATmc="),
            Key("iIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIg="),
            "400000006553f10a12000000",
            Hex("""
                01000000040302017f9aecc33acf8d57174635fc84e3745bcbc6599649c376ca1271ca9d59bf2022ef6c4bcf2a57d118
                2b39a35deae0bd9d551b01fbcf2f85c5bab39b15c28055ac75be40fce688017d958c0cf2084184cab8aa7f99e17c4a20
                025500047026687f84dbf22281e3bcdac9bce879bac82172250c48b5a4fd7f5a1b230219000000000000000000000000
                00000000
                """),
            Hex("""
                020000000807060504030201c8f740920d26daf84116f77732d38500052eb95a6f9dcd9117a2af3d0f041261bab96498
                39f0802e404d7fd7fce061f8211f5407d5901c0de1f927ad56a539bc00000000000000000000000000000000
                """),
            "0cc49f6320c995140f5e9d99296b8a92918b8ab4da2930792e5da5c357256e0f",
            "39285120464e757b66bf82116cc1557d23303d6fe071c599c3e351129679be6c"),
    ];

    private static byte[] Key(string base64) => Convert.FromBase64String(base64);

    private static byte[] Hex(string text) => Convert.FromHexString(string.Concat(text.Where(char.IsAsciiHexDigit)));
}
