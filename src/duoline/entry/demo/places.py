# ruff: noqa: E501 - the tables below read better with a line an entry, however long
"""Real cities and districts, with approximate coordinates, in which the invented shops stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class District:
    """A district of a city, with a point near its centre."""

    zh: str
    en: str
    lat: float
    lon: float


@dataclass(frozen=True)
class City:
    """A city; each makes one region of the chain."""

    code: str
    zh: str
    en: str
    province_zh: str
    province_en: str
    area_code: str
    districts: tuple[District, ...]


# code, city, province, telephone code: districts as name, pinyin, latitude, longitude.
_TABLE = """
SH 上海市 Shanghai 上海市 Shanghai 021: 徐汇区 Xuhui 31.188 121.436; 静安区 Jing'an 31.229 121.448; 浦东新区 Pudong 31.221 121.544; 长宁区 Changning 31.220 121.424; 杨浦区 Yangpu 31.259 121.526; 闵行区 Minhang 31.113 121.381; 普陀区 Putuo 31.249 121.396; 虹口区 Hongkou 31.264 121.505; 宝山区 Baoshan 31.405 121.489; 松江区 Songjiang 31.032 121.228
HZ 杭州市 Hangzhou 浙江省 Zhejiang 0571: 西湖区 Xihu 30.259 120.130; 拱墅区 Gongshu 30.319 120.142; 上城区 Shangcheng 30.243 120.197; 滨江区 Binjiang 30.208 120.212; 余杭区 Yuhang 30.274 119.978; 萧山区 Xiaoshan 30.185 120.264; 临平区 Linping 30.419 120.299; 钱塘区 Qiantang 30.323 120.494
SZ 苏州市 Suzhou 江苏省 Jiangsu 0512: 姑苏区 Gusu 31.311 120.617; 虎丘区 Huqiu 31.329 120.572; 吴中区 Wuzhong 31.264 120.632; 相城区 Xiangcheng 31.369 120.643; 吴江区 Wujiang 31.138 120.645; 昆山市 Kunshan 31.385 120.981; 常熟市 Changshu 31.654 120.752; 张家港市 Zhangjiagang 31.876 120.555
NJ 南京市 Nanjing 江苏省 Jiangsu 025: 玄武区 Xuanwu 32.049 118.798; 秦淮区 Qinhuai 32.039 118.795; 建邺区 Jianye 32.004 118.732; 鼓楼区 Gulou 32.066 118.770; 江宁区 Jiangning 31.953 118.840; 浦口区 Pukou 32.059 118.628
BJ 北京市 Beijing 北京市 Beijing 010: 朝阳区 Chaoyang 39.922 116.443; 海淀区 Haidian 39.960 116.298; 丰台区 Fengtai 39.858 116.287; 通州区 Tongzhou 39.910 116.656; 大兴区 Daxing 39.727 116.342; 昌平区 Changping 40.221 116.231
GZ 广州市 Guangzhou 广东省 Guangdong 020: 天河区 Tianhe 23.125 113.361; 越秀区 Yuexiu 23.129 113.267; 海珠区 Haizhu 23.084 113.317; 番禺区 Panyu 22.938 113.384; 白云区 Baiyun 23.157 113.273
SN 深圳市 Shenzhen 广东省 Guangdong 0755: 南山区 Nanshan 22.533 113.930; 福田区 Futian 22.522 114.055; 龙岗区 Longgang 22.721 114.247; 宝安区 Bao'an 22.555 113.884; 龙华区 Longhua 22.697 114.045
CD 成都市 Chengdu 四川省 Sichuan 028: 锦江区 Jinjiang 30.657 104.083; 武侯区 Wuhou 30.642 104.043; 青羊区 Qingyang 30.674 104.062; 成华区 Chenghua 30.660 104.102; 双流区 Shuangliu 30.575 103.924
CQ 重庆市 Chongqing 重庆市 Chongqing 023: 渝中区 Yuzhong 29.553 106.569; 江北区 Jiangbei 29.607 106.574; 渝北区 Yubei 29.718 106.631; 沙坪坝区 Shapingba 29.541 106.458; 南岸区 Nan'an 29.500 106.645
WH 武汉市 Wuhan 湖北省 Hubei 027: 江汉区 Jianghan 30.601 114.271; 武昌区 Wuchang 30.554 114.316; 洪山区 Hongshan 30.500 114.344; 汉阳区 Hanyang 30.554 114.219; 江夏区 Jiangxia 30.376 114.320
XA 西安市 Xi'an 陕西省 Shaanxi 029: 雁塔区 Yanta 34.214 108.949; 碑林区 Beilin 34.257 108.934; 未央区 Weiyang 34.293 108.947; 长安区 Chang'an 34.159 108.907
TJ 天津市 Tianjin 天津市 Tianjin 022: 和平区 Heping 39.117 117.215; 南开区 Nankai 39.138 117.151; 河西区 Hexi 39.110 117.223; 西青区 Xiqing 39.141 117.009
ZZ 郑州市 Zhengzhou 河南省 Henan 0371: 金水区 Jinshui 34.800 113.661; 二七区 Erqi 34.724 113.640; 中原区 Zhongyuan 34.748 113.613; 惠济区 Huiji 34.867 113.617
CS 长沙市 Changsha 湖南省 Hunan 0731: 岳麓区 Yuelu 28.235 112.931; 天心区 Tianxin 28.115 112.990; 雨花区 Yuhua 28.138 113.038; 开福区 Kaifu 28.257 112.986
NB 宁波市 Ningbo 浙江省 Zhejiang 0574: 海曙区 Haishu 29.860 121.551; 鄞州区 Yinzhou 29.817 121.547; 江北区 Jiangbei 29.887 121.555; 镇海区 Zhenhai 29.966 121.596
QD 青岛市 Qingdao 山东省 Shandong 0532: 市南区 Shinan 36.075 120.412; 市北区 Shibei 36.088 120.375; 崂山区 Laoshan 36.107 120.469; 黄岛区 Huangdao 35.961 120.198
JN 济南市 Jinan 山东省 Shandong 0531: 历下区 Lixia 36.667 117.077; 市中区 Shizhong 36.651 116.997; 历城区 Licheng 36.680 117.065; 槐荫区 Huaiyin 36.651 116.901
HF 合肥市 Hefei 安徽省 Anhui 0551: 蜀山区 Shushan 31.851 117.261; 庐阳区 Luyang 31.879 117.265; 包河区 Baohe 31.793 117.310; 瑶海区 Yaohai 31.858 117.309
FZ 福州市 Fuzhou 福建省 Fujian 0591: 鼓楼区 Gulou 26.082 119.304; 台江区 Taijiang 26.053 119.314; 仓山区 Cangshan 26.047 119.274; 晋安区 Jin'an 26.082 119.329
XM 厦门市 Xiamen 福建省 Fujian 0592: 思明区 Siming 24.446 118.083; 湖里区 Huli 24.512 118.147; 集美区 Jimei 24.576 118.097; 海沧区 Haicang 24.485 118.033
KM 昆明市 Kunming 云南省 Yunnan 0871: 五华区 Wuhua 25.044 102.708; 盘龙区 Panlong 25.116 102.752; 官渡区 Guandu 25.015 102.744; 西山区 Xishan 25.038 102.665
NN 南宁市 Nanning 广西壮族自治区 Guangxi 0771: 青秀区 Qingxiu 22.786 108.495; 兴宁区 Xingning 22.854 108.369; 江南区 Jiangnan 22.782 108.273; 良庆区 Liangqing 22.753 108.414
GY 贵阳市 Guiyang 贵州省 Guizhou 0851: 南明区 Nanming 26.568 106.714; 云岩区 Yunyan 26.605 106.725; 观山湖区 Guanshanhu 26.603 106.622
NC 南昌市 Nanchang 江西省 Jiangxi 0791: 东湖区 Donghu 28.685 115.899; 红谷滩区 Honggutan 28.698 115.858; 青山湖区 Qingshanhu 28.683 115.962
SY 沈阳市 Shenyang 辽宁省 Liaoning 024: 沈河区 Shenhe 41.796 123.459; 和平区 Heping 41.790 123.420; 铁西区 Tiexi 41.803 123.377; 浑南区 Hunnan 41.715 123.450
DL 大连市 Dalian 辽宁省 Liaoning 0411: 中山区 Zhongshan 38.919 121.645; 沙河口区 Shahekou 38.905 121.594; 甘井子区 Ganjingzi 38.953 121.525
CC 长春市 Changchun 吉林省 Jilin 0431: 朝阳区 Chaoyang 43.834 125.288; 南关区 Nanguan 43.864 125.350; 宽城区 Kuancheng 43.944 125.327
HB 哈尔滨市 Harbin 黑龙江省 Heilongjiang 0451: 南岗区 Nangang 45.760 126.669; 道里区 Daoli 45.756 126.617; 香坊区 Xiangfang 45.708 126.663
SJ 石家庄市 Shijiazhuang 河北省 Hebei 0311: 长安区 Chang'an 38.037 114.539; 裕华区 Yuhua 38.006 114.531; 桥西区 Qiaoxi 38.004 114.461
TY 太原市 Taiyuan 山西省 Shanxi 0351: 小店区 Xiaodian 37.736 112.566; 迎泽区 Yingze 37.863 112.563; 万柏林区 Wanbailin 37.859 112.516
LZ 兰州市 Lanzhou 甘肃省 Gansu 0931: 城关区 Chengguan 36.057 103.825; 七里河区 Qilihe 36.066 103.786; 安宁区 Anning 36.104 103.719
UR 乌鲁木齐市 Urumqi 新疆维吾尔自治区 Xinjiang 0991: 天山区 Tianshan 43.794 87.632; 沙依巴克区 Saybag 43.801 87.598; 新市区 Xinshi 43.844 87.574
HK 海口市 Haikou 海南省 Hainan 0898: 龙华区 Longhua 20.031 110.329; 美兰区 Meilan 20.029 110.366; 秀英区 Xiuying 20.007 110.294
HT 呼和浩特市 Hohhot 内蒙古自治区 Inner-Mongolia 0471: 新城区 Xincheng 40.858 111.666; 赛罕区 Saihan 40.792 111.702; 回民区 Huimin 40.809 111.624
YC 银川市 Yinchuan 宁夏回族自治区 Ningxia 0951: 兴庆区 Xingqing 38.474 106.289; 金凤区 Jinfeng 38.473 106.243; 西夏区 Xixia 38.491 106.156
XN 西宁市 Xining 青海省 Qinghai 0971: 城西区 Chengxi 36.628 101.766; 城东区 Chengdong 36.600 101.804; 城中区 Chengzhong 36.546 101.705
WX 无锡市 Wuxi 江苏省 Jiangsu 0510: 梁溪区 Liangxi 31.566 120.303; 滨湖区 Binhu 31.527 120.284; 新吴区 Xinwu 31.491 120.365; 江阴市 Jiangyin 31.920 120.284
CZ 常州市 Changzhou 江苏省 Jiangsu 0519: 天宁区 Tianning 31.779 119.974; 钟楼区 Zhonglou 31.802 119.902; 武进区 Wujin 31.701 119.942
NT 南通市 Nantong 江苏省 Jiangsu 0513: 崇川区 Chongchuan 32.010 120.857; 通州区 Tongzhou 32.065 121.074; 海门区 Haimen 31.872 121.181
YZ 扬州市 Yangzhou 江苏省 Jiangsu 0514: 广陵区 Guangling 32.395 119.432; 邗江区 Hanjiang 32.377 119.398; 江都区 Jiangdu 32.435 119.570
XZ 徐州市 Xuzhou 江苏省 Jiangsu 0516: 鼓楼区 Gulou 34.289 117.186; 云龙区 Yunlong 34.253 117.252; 泉山区 Quanshan 34.244 117.194
WZ 温州市 Wenzhou 浙江省 Zhejiang 0577: 鹿城区 Lucheng 28.015 120.655; 瓯海区 Ouhai 27.967 120.614; 龙湾区 Longwan 27.933 120.830
JX 嘉兴市 Jiaxing 浙江省 Zhejiang 0573: 南湖区 Nanhu 30.748 120.783; 秀洲区 Xiuzhou 30.765 120.710; 桐乡市 Tongxiang 30.630 120.565
SX 绍兴市 Shaoxing 浙江省 Zhejiang 0575: 越城区 Yuecheng 29.988 120.583; 柯桥区 Keqiao 30.082 120.495; 上虞区 Shangyu 30.033 120.868
JH 金华市 Jinhua 浙江省 Zhejiang 0579: 婺城区 Wucheng 29.086 119.571; 金东区 Jindong 29.099 119.693; 义乌市 Yiwu 29.306 120.075
TZ 台州市 Taizhou 浙江省 Zhejiang 0576: 椒江区 Jiaojiang 28.674 121.443; 黄岩区 Huangyan 28.650 121.262; 温岭市 Wenling 28.372 121.386
FS 佛山市 Foshan 广东省 Guangdong 0757: 禅城区 Chancheng 23.009 113.123; 南海区 Nanhai 23.029 113.143; 顺德区 Shunde 22.805 113.293
DG 东莞市 Dongguan 广东省 Guangdong 0769: 南城街道 Nancheng 23.020 113.752; 东城街道 Dongcheng 23.027 113.782; 虎门镇 Humen 22.815 113.672
ZH 珠海市 Zhuhai 广东省 Guangdong 0756: 香洲区 Xiangzhou 22.266 113.544; 金湾区 Jinwan 22.147 113.363; 斗门区 Doumen 22.209 113.297
HU 惠州市 Huizhou 广东省 Guangdong 0752: 惠城区 Huicheng 23.084 114.383; 惠阳区 Huiyang 22.789 114.456; 博罗县 Boluo 23.173 114.290
QZ 泉州市 Quanzhou 福建省 Fujian 0595: 丰泽区 Fengze 24.891 118.613; 鲤城区 Licheng 24.908 118.587; 晋江市 Jinjiang 24.781 118.552
YT 烟台市 Yantai 山东省 Shandong 0535: 芝罘区 Zhifu 37.541 121.400; 莱山区 Laishan 37.511 121.445; 福山区 Fushan 37.498 121.268
WF 潍坊市 Weifang 山东省 Shandong 0536: 奎文区 Kuiwen 36.707 119.132; 潍城区 Weicheng 36.728 119.025; 寿光市 Shouguang 36.856 118.791
LY 洛阳市 Luoyang 河南省 Henan 0379: 涧西区 Jianxi 34.658 112.396; 西工区 Xigong 34.660 112.428; 洛龙区 Luolong 34.619 112.464
YI 宜昌市 Yichang 湖北省 Hubei 0717: 西陵区 Xiling 30.711 111.286; 伍家岗区 Wujiagang 30.644 111.361; 夷陵区 Yiling 30.770 111.326
MY 绵阳市 Mianyang 四川省 Sichuan 0816: 涪城区 Fucheng 31.455 104.757; 游仙区 Youxian 31.474 104.766; 江油市 Jiangyou 31.778 104.746
WU 芜湖市 Wuhu 安徽省 Anhui 0553: 镜湖区 Jinghu 31.340 118.385; 弋江区 Yijiang 31.311 118.372; 鸠江区 Jiujiang 31.370 118.392
GA 赣州市 Ganzhou 江西省 Jiangxi 0797: 章贡区 Zhanggong 25.818 114.921; 南康区 Nankang 25.661 114.765; 赣县区 Ganxian 25.861 115.012
"""

# Distribution centres stand in logistics districts. City code, name, point.
_DCS = """
SH 华东总仓 East-China 青浦区 Qingpu 31.165 121.068
GZ 华南仓 South-China 增城区 Zengcheng 23.189 113.622
TJ 华北仓 North-China 武清区 Wuqing 39.384 117.044
CD 西南仓 Southwest 青白江区 Qingbaijiang 30.879 104.251
WH 华中仓 Central-China 东西湖区 Dongxihu 30.660 114.120
XA 西北仓 Northwest 灞桥区 Baqiao 34.273 109.065
SY 东北仓 Northeast 苏家屯区 Sujiatun 41.665 123.344
ZZ 中原仓 Zhongyuan 新郑市 Xinzheng 34.396 113.741
CS 湘赣仓 Hunan-Jiangxi 望城区 Wangcheng 28.353 112.819
KM 云贵仓 Yungui 呈贡区 Chenggong 24.886 102.822
"""


def _city(line: str) -> City:
    head, _, tail = line.partition(":")
    code, zh, en, province_zh, province_en, area_code = head.split()
    districts = [part.split() for part in tail.split(";")]
    return City(
        code,
        zh,
        en,
        province_zh,
        province_en.replace("-", " "),
        area_code,
        tuple(District(d[0], d[1], float(d[2]), float(d[3])) for d in districts),
    )


CITIES = tuple(_city(line) for line in _TABLE.strip().splitlines())
CITY = {city.code: city for city in CITIES}
DCS = tuple(tuple(line.split()) for line in _DCS.strip().splitlines())
