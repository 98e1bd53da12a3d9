namespace UdpGateway.WireGuard.Tests.Crypto;

/// <summary>
/// Known answers computed with Python's hashlib and hmac, which share no code with the engine. Pattern(n, s) is the n bytes (7·i + s) mod 256:
/// <code>
/// pat = lambda n, s=0: bytes((i * 7 + s) &amp; 255 for i in range(n))
/// Hash:  hashlib.blake2s(pat(n)).hexdigest()
/// Mac:   hashlib.blake2s(pat(n), key=pat(k, 3), digest_size=16).hexdigest()
/// Hmac:  hmac.new(pat(k, 3), pat(n), hashlib.blake2s).hexdigest()
/// Kdf:   H = lambda k, m: hmac.new(k, m, hashlib.blake2s).digest()
///        t0 = H(key, input); t1 = H(t0, b'\1'); t2 = H(t0, t1 + b'\2'); t3 = H(t0, t2 + b'\3')
/// </code>
/// </summary>
internal static class Blake2sVectors
{
    public static byte[] Pattern(int length, int start = 0)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((i * 7) + start);
        return bytes;
    }

    public static readonly (int Length, string Digest)[] Hash =
    [
        (0, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9"),
        (1, "e34d74dbaf4ff4c6abd871cc220451d2ea2648846c7757fbaac82fe51ad64bea"),
        (31, "1910bb50d0bf0213745bd5c9dab1cfe2f4f0c47e79857ea5bba6135239f86e46"),
        (32, "eaf2b39e16c5391c3f125ebb0cd420b375cc23b0559619b13b3af340a555583f"),
        (33, "b8b8a436ea5a34a426c4b4b9708b8b63bdeba7e8c2ab3e9e82e80f7136054e20"),
        (63, "8711b32e3542deae1acce6409fec6577d9ca7daf80e1dcb5534236beea38e6b3"),
        (64, "b09537398e20f8cd56dca19d34b4b467633721bef880f40f2f707ebffd097551"),
        (65, "8936ffcf32a157440820fc06674e4682f76fe78fa7184bfad264c2f6eff6a151"),
        (127, "e75dc97ed5109a0511a064ffecc29b07676d5532ab9d1455aa18ec998a3020e6"),
        (128, "9462ab46c9c7779556af81a31d87fe184e631d5e4836bbda5998669d86a6544b"),
        (129, "9f8fd169776b12dcccd43b31edd795c1542759f975cc5842e88355a96c38234b"),
        (255, "b67826c0dce186d31d57ecd0c72c8495f136a208952c9752394af8097d220b60"),
        (256, "d20b5a775a7ab1383e5243d0b1b19da1d4371923c9834829f53f2795ed960bb1"),
        (1024, "d02b0a554e08f0846844e7b2e05a8c50202b336bb207eae3e25c22b22ab4d9b2"),
        (1420, "fdd0316c3542e70b32504523e1339ebd71d634adbf8df36daf49fec0fa4903d8"),
    ];

    public static readonly (int KeyLength, int Length, string Digest)[] Mac =
    [
        (1, 0, "53ed640af0862ce620f9c4257bbb8f3a"),
        (1, 1, "91f47fc81bcf7f0631b69f6486027599"),
        (1, 16, "2b120b835860221a766e8bf99d75e97f"),
        (1, 63, "818958d98a2e14be8ec7142a80aa9876"),
        (1, 64, "a0c20e1b29e5049f49440cb62b73dbc4"),
        (1, 65, "b327578d35033f75d238b94969463907"),
        (1, 116, "133fd414db676fe3b34b071f71836cc3"),
        (1, 128, "f3ee43ceb1fb62492e2f1d747d9352ec"),
        (1, 132, "4c90926fd0f0851ab1598086863ef646"),
        (1, 148, "304e185392ac744d611be6a99e93c60c"),
        (16, 0, "895c79cfc8db1e7b1f10f3951e1f3b2a"),
        (16, 1, "0bd3326edc3d181ab74350b55a2fcd96"),
        (16, 16, "45f0addb42dcffbda63ccfee04abacf2"),
        (16, 63, "5d916726151a6786a726ef77921346ed"),
        (16, 64, "9b16cbff1129deff5a70a5950205848a"),
        (16, 65, "7d11b19f9c3f0b0d6c85099ac528dd4f"),
        (16, 116, "2f3c58360d3ca8e7de9ff90ae737d8f8"),
        (16, 128, "bb0de351de8db7b58ee6b8f0ee37a523"),
        (16, 132, "276a29401fede3801a4d5a20cbf72e17"),
        (16, 148, "bd291095cdb8e07aaaa5287e2af5c155"),
        (32, 0, "99e8b26f21ad249a22849abf7c73666e"),
        (32, 1, "fca45e6816be575eccc441197168f6f9"),
        (32, 16, "43c5884cfbc50c4148709af9750e3bf0"),
        (32, 63, "4d1e003102380556efde88ba9ab3b766"),
        (32, 64, "412922a7b7ef91bfdfbe23aa2c01abcd"),
        (32, 65, "1cf1911a16ecc11148c35cd5b3313b59"),
        (32, 116, "502fa0efb776f7f74582ca08c0c88f42"),
        (32, 128, "52bdae1f07f8ea80a6bc0586c8e1e5f3"),
        (32, 132, "92f0468878d14aaed1c5d22967ac40ce"),
        (32, 148, "c85464fe974349061a4237c9928c57ed"),
    ];

    public static readonly (int KeyLength, int Length, string Digest)[] Hmac =
    [
        (0, 0, "eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd"),
        (0, 1, "2c463acb9ef603333b173321a3ff0d7f7a562d569db0efb9a5cad61f6e0792cf"),
        (0, 32, "9567978f7cbeba36bf420c5cff5c47773a99b3de6ef1c4bd7734f403aa97fd6e"),
        (0, 64, "388d73990a491984a27668f9593223af1f061910cf902a5b86ad76764e3cbd44"),
        (0, 65, "0351f83bb477f7d83d559816ed8572456ea164f2e96fa6df0639577e0010f93e"),
        (1, 0, "757f8bcfdb4177bb5d8122bd9a3210a807dae98994e3a6a2f415a28d25ffee83"),
        (1, 1, "5d26880ac2be7a44afee8d0b07a0751c8e37d113a718b899b21a73a2072fec39"),
        (1, 32, "ed531451927e6b1f9a5f8c9a13f98c4e99e64e5200ae107570299838f9030b8c"),
        (1, 64, "7b75f112c4459d457367bf3ff43ce44825485bad8df18da094a963f351a1a000"),
        (1, 65, "88aaaa739a2f03c9c41d8a8f64f70ac82d81737307d963070179b81a6d7976e5"),
        (32, 0, "d7d7954044a8d688f702921f75f8ca1065e4979fcbe930f6e23c8df67614a3ae"),
        (32, 1, "f86c190b0beeea7bb4c61b303d74622793036f7264fb639b190f3161c40d8b85"),
        (32, 32, "7aa26fddf307da46ca30fd859039d86ee9d6a44d4f6ef6c51bac3bffc1e7c60e"),
        (32, 64, "9ab5d4f5be6472df16759a68364dcddcc4eb953f85018339f366b232425fdcfd"),
        (32, 65, "a3785d9424ea8ffcd0cb9543102a02dd3b617d61cf53e36e27df7a047b50328e"),
        (63, 0, "5fc834deb4fad9a8be2b468f78c1b2e236ce75a153bc3cf68a5bd7228fc613b3"),
        (63, 1, "e832ab7e638f85f7ca54fb8517ccf758d97ae2444fc4c94eb44b70825f748814"),
        (63, 32, "c4fa53c41ed4f0f8697f2777f2656c1009e9687af26bb9786588dd240d72025a"),
        (63, 64, "c855de5ead0051d6b86570eec8b8810a22e9a9bde05ef3c308b5fadf83963b65"),
        (63, 65, "1b961283c0b6161ae465049f1797d878e4069d4d8f1e8d56b6934e75bdcab9fb"),
        (64, 0, "c9bddc4dd9dff1195cd1db3e3fafee1908ca00435cf57651d75f1cf9650eac48"),
        (64, 1, "d0c5d67dd1ed339a6d98f03c06a2158bf0d24895fbbd1fd730457f17641e69e4"),
        (64, 32, "e385efd48e1433650394e32230df5102bca869259dff6d89b0d3286d1c75b75a"),
        (64, 64, "71605cf24a47a4ee22e0a4b59410bbb033661815631c9bc5ed61732c4448ec72"),
        (64, 65, "c021c3de44bd7a4030de854fb86ca91805dfaacc8f2c23ce0688ccc8a08624cd"),
        (65, 0, "99e7d441d3fb98e43ff64e3dee227f948cd8a58a6216ffdc2060cd7d2c2dba13"),
        (65, 1, "df58f3c42878f62a99cb49226da889c3a1cbbea9a63c12e4a22602c1d67beee0"),
        (65, 32, "376cd1ed1cd63f928c9cc475e12fd5cec0c4b4efd4055b648e9fa6bbad5b846b"),
        (65, 64, "fc516bc8d336af6dc3a635e06313d06a8268833c897ed0a2f2c178ed60ef4d9b"),
        (65, 65, "fc393a1d483b4d44a7432f5293e39f92e9a9cf933127eaf0389b0a9ce6a9936a"),
        (200, 0, "aa28b07b01753da89792870b28ec5b2c0604bf073b92a033d585181ddf4e16c4"),
        (200, 1, "54b71db112a43b58b1d5406ad51cdc6f8757dc88b3ffcb459c8c76f64cd49d01"),
        (200, 32, "e1a72a1ae18b05186562778c47eaf2b44e78d62b4051dd512425aeeff3de06d8"),
        (200, 64, "246f8f57939577a7a499bb8d6a823812716cc79f472fb7aed79bed52a22e7ac9"),
        (200, 65, "8a81c34d236124aa17df490fb5bf0af63c92c86ee44275cec8da9c59df16d652"),
    ];

    /// <summary>The first three are also those of wireguard-go (device/kdf_test.go, MIT).</summary>
    public static readonly (string Key, string Input, string T1, string T2, string T3)[] Kdf =
    [
        ("746573742d6b6579", "746573742d696e707574",
            "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
            "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
            "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24"),
        ("776972656775617264", "776972656775617264",
            "491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96e8",
            "1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d25f",
            "31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f0160"),
        ("", "",
            "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0",
            "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e",
            "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e"),
        ("0910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2", "4d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f26",
            "3f73632f0911520ced02982365d3395bf8147b2f913980cb9856e0604b868d1c",
            "62736fed1dcffd19a5067e34b31d872663a4331e3ee6f03e34c5a8c85ee6f1a1",
            "f19a0171415915708ae5900df24523a06e240e64476a49943be130c24ef17178"),
        ("0910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2", "",
            "eadbe24afb3dd2279bfe997f7894d81d78ccb01fbf82972c92a32fcc5d32322e",
            "47d2d6c5d166d3f3739e6f76714e59e674db1a5a401246d02f3998e74ce495ad",
            "c2827831566d7f02ca8be34b681d1968b15bff0087157ad621b233ab3a84fdd0"),
    ];
}
